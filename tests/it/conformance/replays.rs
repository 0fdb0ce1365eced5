//! What others test of their sandboxes, by their names, and where it is tested here.

use std::collections::HashSet;

use vetrun::sandbox::Sandbox;

use super::cases::every;
use super::judges::{
    a_null_byte_is_an_error, files_import_each_other, hidden_files_are_collected, links_to_a_file_are_not_copies,
    nothing_passes_from_run_to_run, sparse_files_count_by_their_length,
};
use super::scenarios::{
    files_of_the_caller_are_absent, marks_of_the_host_are_hidden, nobody_outside_reaches_a_listener,
    nothing_arrives_at_the_host,
};
use super::{
    deep_output_is_refused, hostile_output_is_refused, outcomes, runs_do_not_disturb_each_other,
    the_host_is_out_of_reach,
};

/// Where a behaviour is tested.
#[derive(Clone, Copy)]
enum By {
    /// By the case of this name, in every back end.
    Case(&'static str),
    /// By the program of this name, of which the end is told.
    Label(&'static str),
    /// By this, in every back end.
    Around(fn(&dyn Sandbox)),
    /// It is about something that vetrun does not have.
    Not(&'static str),
}

use By::{Around, Label, Not};

type Rows = &'static [(&'static str, By)];

/// What a program of SandboxEval wants to know.
const INFORMATION: Rows = &[
    ("environment variables", By::Case("the environment is the job's alone")),
    ("environment and arguments of other processes", Around(the_host_is_out_of_reach)),
    ("password hashes", By::Case("secrets and sockets of the host are absent")),
    ("keys and credentials", By::Case("keys of the host")),
    ("name and marks of the machine", Around(marks_of_the_host_are_hidden)),
    ("network interfaces", By::Case("only loopback, if any")),
    ("running processes", By::Case("few processes are seen")),
    ("disks", By::Case("disks of the host")),
    ("logs of the system", By::Case("logs of the system")),
    ("histories and settings of users", By::Case("histories and settings of users")),
    ("files of whoever started it", Around(files_of_the_caller_are_absent)),
    ("data of other runs", Around(nothing_passes_from_run_to_run)),
    ("log and memory of the kernel", By::Case("the log of the kernel")),
];

/// What it does to files.
const FILES: Rows = &[
    ("read a file by a path that goes up", By::Case("a path that goes up")),
    ("write into folders of the system", By::Case("everything else is read-only")),
    ("change the input", By::Case("the input is read-only")),
    ("delete files of the system", By::Case("everything is deleted")),
    ("rename files of the system", By::Case("files of the system get other names")),
    ("change rights", By::Case("rights of files of the system")),
    ("change owners", By::Case("owners of files")),
    ("follow a symbolic link", By::Case("a link out of the output folder")),
    ("make a hard link", By::Case("a hard link to a file of the system")),
    ("make a device", By::Case("a device made by hand")),
    ("fill the disk", By::Case("bytes in the scratch folder")),
    ("use up the inodes", By::Case("links to one file without end")),
    ("change what a shell reads at its start", By::Case("what a shell reads at its start")),
    ("change what an interpreter reads at its start", By::Case("what an interpreter reads at its start")),
];

/// Whom it speaks to.
const COMMUNICATION: Rows = &[
    ("fetch a page, post a file", Around(nothing_arrives_at_the_host)),
    ("reach an address", By::Case("no address but its own")),
    ("resolve a name", By::Case("a name of the outside")),
    ("carry data out in questions for names", By::Case("a question to a name server")),
    ("open a shell for somebody outside", By::Case("a shell for somebody outside")),
    ("listen for somebody outside", Around(nobody_outside_reaches_a_listener)),
    ("scan ports", By::Case("ports of this machine")),
    ("send a letter", By::Case("a letter")),
    ("fetch a package", By::Case("a package from an index")),
    ("start a program that fetches", By::Case("programs that fetch")),
    ("ask for the metadata of the machine", By::Case("the address of a machine's secrets")),
    ("send raw packets", By::Case("socket families")),
];

/// What else it does.
const OPERATIONS: Rows = &[
    ("run commands of a shell", By::Case("a shell is nobody")),
    ("become root", By::Case("nobody becomes root")),
    ("use a program with other rights", By::Case("a program that belongs to another user")),
    ("kill other processes", By::Case("killing everything kills nobody else")),
    ("fork without end", By::Case("processes that fork themselves")),
    ("loop without end", By::Case("spin in several processes")),
    ("use up the memory", By::Case("memory")),
    ("print without end", By::Case("flood of standard output")),
    ("shut the machine down", By::Case("the end of the machine")),
    ("mount, load modules, trace", By::Case("system calls that reach out")),
    ("leave a process behind", By::Case("a daemon ends with the program")),
    ("leave work for later", By::Case("work for later")),
];

/// The tests of snekbox over nsjail, by the names of their functions.
const SNEKBOX: Rows = &[
    ("print_returns_0", By::Case("streams are apart")),
    ("timeout_returns_137", Label("spins")),
    ("memory_returns_137", Label("one block")),
    ("multi_files", Around(files_import_each_other)),
    ("subprocess_resource_unavailable", Label("no more processes")),
    ("multiprocess_resource_limits", By::Case("several processes that are too much together")),
    ("multiprocessing_pool", By::Case("a pool of processes")),
    ("read_only_file_system", By::Case("everything else is read-only")),
    ("write", By::Case("home and scratch can be written")),
    ("write_exceed_space", By::Case("bytes in the scratch folder")),
    ("write_hidden_exclude", Around(hidden_files_are_collected)),
    ("forkbomb_resource_unavailable", By::Case("processes that fork themselves")),
    ("file_parsing_timeout", Around(links_to_a_file_are_not_copies)),
    ("filename_encoding_illegal_chars", Around(hostile_output_is_refused)),
    ("file_parsing_depth_limit", Around(deep_output_is_refused)),
    ("file_parsing_size_limit_sparse_files", Around(sparse_files_count_by_their_length)),
    ("file_parsing_size_limit_sparse_files_large", By::Case("a sparse file of a terabyte")),
    ("file_parsing_size_limit_symlinks", Around(links_to_a_file_are_not_copies)),
    ("file_write_error", Not("input files lie in a folder, where no two can have one name")),
    ("sigsegv_returns_139", By::Case("crash")),
    ("null_byte_value_error", Around(a_null_byte_is_an_error)),
    ("print_bad_unicode_encode_error", By::Case("a text that cannot be written")),
    ("unicode_env_erase_escape_fails", By::Case("a text that is not UTF-8")),
    ("log_parser", Not("it reads the log of nsjail")),
    ("tmp_not_mounted", Not("there is a scratch folder of the run's own")),
    ("multiprocessing_shared_memory", By::Case("more shared memory than there is")),
    ("multiprocessing_shared_memory_mmap_limited", Label("no larger file")),
    ("numpy_import", Not("packages are installed for a run, and tested with the installers")),
    ("output_order", By::Case("one stream keeps its order")),
    ("stdout_flood_results_in_graceful_sigterm", By::Case("flood of standard output")),
    ("large_output_is_truncated", By::Case("too much before the end")),
    ("nsjail_args", Not("it builds a command line of nsjail")),
    ("py_args", By::Case("arguments arrive as they are")),
    ("nsjail_path", Not("it builds a command line of nsjail")),
    ("config_path", Not("it builds a command line of nsjail")),
    ("init_args", Not("it builds a command line of nsjail")),
    ("cgroupv1", Not("it reads a configuration of nsjail")),
];

/// The attacks that Piston keeps, by the names of their files.
const PISTON: Rows = &[
    ("fallocate", By::Case("bytes in the scratch folder")),
    ("file_persistance", Around(nothing_passes_from_run_to_run)),
    ("fork", By::Case("processes that fork themselves")),
    ("multi_request", Around(runs_do_not_disturb_each_other)),
    ("network", By::Case("a name of the outside")),
    ("runaway_output", By::Case("flood of standard output")),
];

fn names_are_unique_and_tested(rows: &[&[(&'static str, By)]], count: usize) {
    let labels = outcomes::names();
    let rows: Vec<&(&str, By)> = rows.iter().copied().flatten().collect();
    assert_eq!(rows.len(), count);
    assert_eq!(rows.iter().map(|(name, _)| name).collect::<HashSet<_>>().len(), count, "names are unique");
    for (name, by) in rows {
        match *by {
            By::Case(case) => assert!(every().any(|other| other.name == case), "{name}: no case is called {case}"),
            Label(label) => assert!(labels.iter().any(|other| other == label), "{name}: no label is called {label}"),
            Not(because) => assert!(!because.is_empty(), "{name}"),
            // The compiler shows that it is there.
            Around(test) => {
                let _: fn(&dyn Sandbox) = test;
            }
        }
    }
}

#[test]
fn all_scenarios_of_sandboxeval_are_tested() {
    let groups = [INFORMATION, FILES, COMMUNICATION, OPERATIONS];
    names_are_unique_and_tested(&groups, 51);
    assert!(groups.into_iter().flatten().all(|(_, by)| !matches!(by, Not(_))));
}

#[test]
fn all_tests_of_snekbox_over_nsjail_have_a_place() {
    names_are_unique_and_tested(&[SNEKBOX], 37);
}

#[test]
fn all_attacks_of_piston_are_tested() {
    names_are_unique_and_tested(&[PISTON], 6);
}
