//! Builds anew when a rule is added: the rules are part of the program.

fn main() {
    println!("cargo:rerun-if-changed=rules");
}
