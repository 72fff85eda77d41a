//! The supervisor's side: starting, reporting a death, ending, and doing without a receiver.

use std::net::SocketAddr;
use std::process::Stdio;

use shop::{Config, Error, Service, Supervisor};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::receiver::Receiver;
use crate::shop::{Shop, config, turn};

#[tokio::test]
async fn a_death_is_reported_and_shutdown_ends_the_rest() {
    let mut shop = Shop::start([]).await;
    let members = shop.supervisor.members().to_vec();
    assert_eq!(members.len(), 10);
    assert_eq!(
        members
            .iter()
            .filter(|member| member.service == Service::Payments)
            .count(),
        2
    );
    assert!(shop.supervisor.gateway_url().is_some());

    for (service, signal, ends_well) in [
        (Service::Ledger, "-KILL", false),
        (Service::Cart, "-TERM", true),
    ] {
        let victim = members
            .iter()
            .find(|member| member.service == service)
            .unwrap();
        send_signal(signal, victim.pid).await;
        let exit = shop.supervisor.next_exit().await.unwrap();
        assert_eq!((exit.service, exit.pid), (service, victim.pid));
        assert_eq!(
            exit.status.unwrap().success(),
            ends_well,
            "{signal} {exit:?}"
        );
    }

    shop.supervisor.shutdown().await;
    for member in members {
        assert!(
            TcpStream::connect(member.address).await.is_err(),
            "{member:?} still listens"
        );
    }
}

#[tokio::test]
async fn the_shop_works_and_ends_while_nobody_takes_its_spans() {
    let _turn = turn().await;
    let folder = tempfile::tempdir().unwrap();
    // A port nobody listens on: it was free a moment ago.
    let closed = Receiver::start().await;
    let config = Config {
        journeys_per_second: 0.0,
        ..config(&closed, &folder)
    };
    drop(closed);
    let shop = Supervisor::start(config).await.unwrap();
    let url = format!("{}/products/SKU-1001", shop.gateway_url().unwrap());
    let page = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = page
        .get(url)
        .header("x-zone", "eu-west")
        .send()
        .await
        .unwrap();
    assert!(page.status().is_success(), "{page:?}");
    let page: serde_json::Value = page.json().await.unwrap();
    assert_eq!(page["product"]["sku"], "SKU-1001");
    let addresses: Vec<_> = shop.members().iter().map(|member| member.address).collect();
    shop.shutdown().await;
    for address in addresses {
        assert!(
            TcpStream::connect(address).await.is_err(),
            "{address} still listens"
        );
    }
}

#[tokio::test]
async fn dropping_the_supervisor_ends_the_processes() {
    let shop = Shop::start([]).await;
    let members = shop.supervisor.members().to_vec();
    drop(shop.supervisor);
    for member in members {
        until_gone(member.address).await;
    }
}

#[tokio::test]
async fn killing_the_parent_ends_the_processes() {
    let _turn = turn().await;
    let receiver = Receiver::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut parent = Command::new(env!("CARGO_BIN_EXE_shop"))
        .args([
            "run",
            "--otlp-grpc",
            &receiver.grpc,
            "--otlp-http",
            &receiver.http,
            "--data-dir",
        ])
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let mut addresses = Vec::new();
    while addresses.len() < 10 {
        // Such as `payments 4.7.0 at 127.0.0.1:40123, pid 4711`.
        let line = lines.next_line().await.unwrap().unwrap();
        let address = line
            .split(" at ")
            .nth(1)
            .unwrap()
            .split(',')
            .next()
            .unwrap()
            .to_owned();
        addresses.push(address.parse().unwrap());
    }
    parent.kill().await.unwrap();
    for address in addresses {
        until_gone(address).await;
    }
}

/// Returns when nothing listens at the address any more.
async fn until_gone(address: SocketAddr) {
    while let Ok(connection) = TcpStream::connect(address).await {
        // Wakes up when the process closes the connection, at the latest when it ends.
        connection.readable().await.unwrap();
        tokio::task::yield_now().await;
    }
}

async fn send_signal(signal: &str, pid: u32) {
    let sent = Command::new("kill")
        .args([signal, &pid.to_string()])
        .status()
        .await
        .unwrap();
    assert!(sent.success());
}

#[tokio::test]
async fn what_cannot_start_is_told() {
    let receiver = Receiver::start().await;
    let folder = tempfile::tempdir().unwrap();
    let missing = Config {
        exe: folder.path().join("nothing"),
        ..config(&receiver, &folder)
    };
    assert!(matches!(
        Supervisor::start(missing).await,
        Err(Error::Spawn { .. })
    ));
    let wrong = Config {
        exe: "/bin/false".into(),
        ..config(&receiver, &folder)
    };
    assert!(matches!(
        Supervisor::start(wrong).await,
        Err(Error::DiedWhileStarting { .. })
    ));
}
