//! Log lines to standard error, so that standard output stays the face's own.
//!
//! Records of the older `log` crate are not taken, whatever `RUST_LOG` says: sled logs the bytes it
//! writes there, and with them what people wrote.

use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;

/// What is logged when `RUST_LOG` says nothing: what an operator must act on.
const DEFAULT_FILTER: &str = "error,kinmesh=warn";

/// Starts logging for the whole program.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Human => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
}
