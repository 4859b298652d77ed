//! The demo mailbox by itself, for the console's journeys: `demo_mailbox DIR` prints where it is as one line of JSON and runs until
//! its standard input ends.

use std::io::Read;
use std::path::PathBuf;

use freehold_dovecot::{Dovecot, User, demo};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("say in which directory")?);
    let user = User { name: "maria@example.test".to_owned(), password: "demo-app-password".to_owned() };
    let mailbox = Dovecot::start(&folder, std::slice::from_ref(&user))?;
    demo::fill(&mailbox, &user.name)?;
    #[expect(clippy::print_stdout, reason = "its one line of output is what it is for")]
    {
        println!(
            r#"{{"host":"127.0.0.1","port":{},"user":"{}","password":"{}","messages":{}}}"#,
            mailbox.imap_port,
            user.name,
            user.password,
            demo::messages(&user.name).len()
        );
    }
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
