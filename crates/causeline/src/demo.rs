//! A node and the demonstration shop, for a newcomer's first minutes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use shop::{Fault, Faults, Supervisor};

use crate::cli::{DemoArgs, LogFormat, ServeArgs};
use crate::node::{AnyError, Node, block_on, print_addresses, told_to_stop};

/// Runs both until SIGINT or SIGTERM, or until a service of the shop dies.
pub(crate) fn run(args: DemoArgs) -> Result<(), AnyError> {
    if args.list_faults {
        for fault in Fault::ALL {
            println!("{:18} {}", fault.name(), fault.description());
        }
        return Ok(());
    }
    let scratch = Scratch::new(args.data_dir.as_deref())?;
    let serve = ServeArgs {
        data_dir: scratch.folder.join("causeline"),
        config: None,
        listen: args.listen.clone(),
        log_format: LogFormat::Text,
    };
    block_on(serve, async |node| {
        let config = shop_config(&args, &node, scratch.folder.join("shop"))?;
        std::fs::create_dir_all(&config.data_dir)?;
        let mut shop = Supervisor::start(config).await?;
        let told_to_stop = told_to_stop()?;
        print_addresses(&node);
        announce(&args, &node, &shop);
        let died = tokio::select! {
            () = told_to_stop => None,
            exit = shop.next_exit() => exit,
        };
        shop.shutdown().await;
        node.shutdown().await;
        match died {
            None => Ok(()),
            Some(exit) => Err(format!(
                "the shop's {} ended by itself: {:?}",
                exit.service.name(),
                exit.status
            )
            .into()),
        }
    })
}

fn shop_config(args: &DemoArgs, node: &Node, data_dir: PathBuf) -> Result<shop::Config, AnyError> {
    let (Some(grpc), Some(http)) = (node.addresses.otlp_grpc, node.addresses.otlp_http) else {
        return Err(
            "the shop needs both OTLP listeners; leave --otlp-grpc and --otlp-http on".into(),
        );
    };
    Ok(shop::Config {
        exe: std::env::current_exe()?,
        otlp_grpc: format!("http://{grpc}"),
        otlp_http: format!("http://{http}"),
        data_dir,
        faults: Faults::parse(args.faults.iter().map(|fault| fault.name()))?,
        journeys_per_second: args.journeys_per_second,
        seed: args.seed,
        base_port: None,
    })
}

fn announce(args: &DemoArgs, node: &Node, shop: &Supervisor) {
    println!();
    println!(
        "A shop of {} processes is sending its traces.",
        shop.members().len()
    );
    for fault in &args.faults {
        println!(
            "Broken on purpose: {} ({})",
            fault.name(),
            fault.description()
        );
    }
    if let Some(ui) = node.addresses.http {
        println!("Open http://{ui} to look at them; Ctrl-C ends the demo.");
        if args.open {
            open_in_browser(&format!("http://{ui}"));
        }
    }
}

/// Asks the desktop to open `url`; where there is none, the printed address has to do.
fn open_in_browser(url: &str) {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let has_desktop = cfg!(target_os = "macos")
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|v| std::env::var_os(v).is_some());
    if has_desktop {
        let _ = Command::new(opener)
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
    }
}

/// The folder of a demo; removed at the end unless the operator named it.
struct Scratch {
    folder: PathBuf,
    keep: bool,
}

impl Scratch {
    fn new(named: Option<&Path>) -> Result<Self, std::io::Error> {
        let (folder, keep) = match named {
            Some(folder) => (folder.to_owned(), true),
            None => (
                std::env::temp_dir().join(format!("causeline-demo-{}", std::process::id())),
                false,
            ),
        };
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder, keep })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
