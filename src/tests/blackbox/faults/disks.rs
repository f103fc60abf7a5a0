//! A disk that is full, and has room again.

use super::fleet::{Fleet, Instance, setup};
use super::postgres::Postgres;
use super::report::{Report, lasts};
use super::services::{folder, privileged};
use crate::history::Mark;
use crate::traffic::Traffic;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command as Now;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::sleep;

/// A disk of its own size; gone when dropped.
struct Disk {
    folder: TempDir,
}

impl Disk {
    /// An empty one.
    async fn of_mib(size: u64) -> Self {
        let folder = folder("disk");
        let size = format!("size={size}m");
        privileged(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "belfry-faults"]).arg(folder.path())).await;
        Self { folder }
    }

    fn ballast(&self) -> PathBuf {
        self.folder.path().join("ballast")
    }

    /// Takes all the room that is left.
    async fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.ballast()).unwrap();
        let filled = tokio::task::spawn_blocking(move || {
            let bytes = [0; 4_096];
            while file.write_all(&bytes).is_ok() {}
        });
        filled.await.unwrap();
    }

    /// Gives it back.
    fn free(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Now::new("umount").arg("--lazy").arg(self.folder.path()).status();
    }
}

/// Fills the disk again and again until writes are refused, and stays so for a while.
async fn stay_full(disk: &Disk, traffic: &Traffic) {
    let before = traffic.progress().unavailable;
    let mut progress = traffic.run.progress.subscribe();
    let refused = async {
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        while progress.borrow_and_update().unavailable < before + 20 {
            looks.tick().await;
            disk.fill().await;
        }
    };
    crate::support::within(Duration::from_secs(30), "writes that a full disk refuses", refused).await;
    sleep(lasts(Duration::from_secs(1), Duration::from_secs(10))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_disk_of_postgres_is_full() {
    let disk = Disk::of_mib(200).await;
    let within = disk.folder.path().join("postgres");
    std::fs::create_dir(&within).unwrap();
    let postgres = Postgres::start_in((), within).await;
    let mut fleet = Fleet::over(postgres, 2, &[]).await;
    let traffic = fleet.traffic().await;
    for _ in 0..lasts(1, 3) {
        stay_full(&disk, &traffic).await;
        disk.free();
        // It may have given up over what it could not write: then somebody starts it again.
        if !fleet.postgres.service.runs() {
            fleet.postgres.service.start_again().await;
        }
        fleet.postgres.ready().await;
        traffic.flow(100).await;
    }
    let report = fleet.settle(traffic).await.within(Duration::from_secs(15)).clean(&fleet.instances).await;
    report.verdict("the disk of Postgres full");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_disk_of_an_instance_is_full() {
    let disk = Disk::of_mib(32).await;
    let mut setup = setup();
    setup.set("BELFRY_DATA", disk.folder.path().to_str().unwrap());
    let mut instance = Instance::alone(setup).await;
    let mut random = StdRng::seed_from_u64(rand::random());
    let traffic = Traffic::begin(&instance.setup, &[instance.address], &mut random).await;
    traffic.flow(100).await;
    instance.weigh();
    for _ in 0..lasts(1, 3) {
        stay_full(&disk, &traffic).await;
        disk.free();
        traffic.flow(100).await;
    }
    // Killed while the disk is full: what it had acknowledged is there, and so is what it noted of it.
    stay_full(&disk, &traffic).await;
    instance.kill().await;
    disk.free();
    instance.start().await;
    traffic.flow(100).await;
    let (history, worst) = traffic.settle(instance.address).await;
    let mut report = Report::of(&history, worst).within(Duration::from_secs(15));
    let epochs: BTreeSet<&str> = history.views.iter().flat_map(|view| &view.marks).filter_map(Mark::epoch).collect();
    report.demand(epochs.len() == 1, "a full disk or a kill has made another epoch");
    report.clean(&[instance]).await.verdict("the disk of an instance on SQLite full");
}
