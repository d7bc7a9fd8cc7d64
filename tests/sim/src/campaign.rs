//! Many runs, on several threads; each run has a thread for itself, so that it stays deterministic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;

use kinmesh_core::Core;

use crate::outcome::{self, Failure, Figures, Outcome};
use crate::scenario::Scenario;
use crate::simulation::Simulation;
use crate::trace::TraceHash;

/// One run to do.
#[derive(Debug, Clone)]
pub struct Run {
    /// Of this kind.
    pub scenario: Scenario,
    /// From this seed.
    pub seed: u64,
}

impl Run {
    /// Does it, and keeps the last `keep` moments in words.
    pub fn go(&self, keep: usize) -> Outcome {
        let simulate = || Simulation::new(self.scenario.clone(), self.seed, keep).run();
        catch_unwind(AssertUnwindSafe(simulate)).unwrap_or_else(|panic| self.panicked(&*panic))
    }

    /// What came of it, or why it failed: for whoever wants nothing but the figures.
    ///
    /// # Errors
    /// A promise was broken, or the program under test panicked.
    pub fn figures(&self) -> Result<Figures, Failure> {
        let Outcome { figures, failure, .. } = self.go(0);
        failure.map_or(Ok(figures), Err)
    }

    /// Does it, and hands out the cores as they are at its end, in the order of their peers, each with
    /// how many entries its disk holds.
    ///
    /// # Errors
    /// A promise was broken, or the program under test panicked.
    pub fn cores(&self) -> Result<Vec<(Core, usize)>, Failure> {
        let simulate = || Simulation::new(self.scenario.clone(), self.seed, 0).cores_at_the_end();
        catch_unwind(AssertUnwindSafe(simulate)).unwrap_or_else(|panic| Err(failure(&*panic)))
    }

    /// The command that repeats it, if its scenario is a preset.
    pub fn replay(&self) -> String {
        outcome::replay(self.scenario.name, self.seed)
    }

    fn panicked(&self, panic: &(dyn Any + Send)) -> Outcome {
        Outcome {
            scenario: self.scenario.name,
            seed: self.seed,
            trace_hash: TraceHash([0; 16]),
            figures: Figures::default(),
            failure: Some(failure(panic)),
        }
    }
}

fn failure(panic: &(dyn Any + Send)) -> Failure {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
    Failure::Panic(words.to_owned())
}

/// Does runs in parallel, as long as there are any, and tells of each as it ends.
pub fn go_all(runs: impl Iterator<Item = Run> + Send, tell: impl FnMut(Outcome) + Send) {
    let (runs, tell) = (Mutex::new(runs), Mutex::new(tell));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(run) = next(&runs) {
                    let outcome = run.go(0);
                    if let Ok(mut tell) = tell.lock() {
                        tell(outcome);
                    }
                }
            });
        }
    });
}

fn next(runs: &Mutex<impl Iterator<Item = Run>>) -> Option<Run> {
    runs.lock().ok()?.next()
}
