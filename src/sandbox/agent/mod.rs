//! The agent: a helper in a container that is tied to vetrun by one stream alone, and vetrun's end of that stream.
//!
//! Where a container shares sockets and folders with vetrun nothing of this is needed for one run. It is for engines on
//! other machines, for runtimes with kernels of their own, and for sessions, in which many programs run one after another
//! or beside each other. A back end starts `agent.py` with its standard input and output attached; everything else goes
//! through them in frames (`wire`): programs and their streams (`exec`), files in and out (`files`), connections to and from
//! the container's loopback (`forward`).
//!
//! The agent has the rights of the programs and lives beside them. What it says is believed about wait statuses alone, as
//! the keeper's word is; everything else is judged here: sizes, names and numbers of files, the form of every frame.

mod client;
mod exec;
mod files;
mod forward;
mod wire;

pub(super) use self::client::{Agent, AgentError};
pub(super) use self::exec::{Program, Ran, Why};
pub(super) use self::forward::Forward;

/// The agent's text; an interpreter is given it with `-c`, and the home folder to make as its argument.
pub(super) const AGENT: &str = concat!(include_str!("common.py"), include_str!("agent.py"));
