//! Beginning of the page of a sweep: its address, its token, and the wish that it passes on.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use fleet::launchers::Place;
use page::{Device, Live, Settings};
use plan::Plan;
use plan::exit::Failure;
use tokio::sync::mpsc;

use super::Shown;
use crate::seen;
use crate::tell::Progress;
use crate::tell::forecast::Forecast;

/// Variable of the environment that has the token, where the config has none.
const TOKEN: &str = "ATTRISWEEP_PAGE_TOKEN";

/// Serves a page of the sweep of `plan`, if the config or the command line (`asked`, a port, or 0 for the config's) wants one.
///
/// # Errors
/// A [`Failure`] for an address that cannot be taken.
pub(crate) fn open(plan: &Plan, asked: Option<u16>, progress: &Progress) -> Result<Shown, Failure> {
    let (wish, wishes) = mpsc::unbounded_channel();
    let live = Arc::new(Live::default());
    let slots = plan.slots.iter().enumerate();
    live.told().devices = slots.map(|(slot, of)| Device { slot, name: of.name.clone(), ..Device::default() }).collect();
    let page = match (asked, &plan.config.page) {
        (None, None) => None,
        (asked, settings) => {
            let settings = settings.clone().unwrap_or_default();
            let given = std::env::var(TOKEN).ok().or(settings.token);
            let token = seen::token(given.as_deref(), &settings.host)?;
            Some(seen::open(asked.filter(|port| *port != 0).or(settings.port), |port| Settings {
                folders: vec![plan.config.paths.output_dir.clone()],
                host: settings.host.clone(),
                port,
                token: token.clone(),
                marks: Box::new(seen::marks),
                live: Some(Arc::clone(&live)),
                retry: Some(retry(wish.clone())),
            })?)
        }
    };
    if let Some(page) = &page {
        tracing::info!(address = %page.address(), "the page is served");
        progress.tell(seen::invitation(page).trim_end());
    }
    let is_here = plan.launcher.place() == Place::Here;
    Ok(Shown {
        live,
        wishes,
        _wish: wish,
        slot_of: HashMap::new(),
        lately: VecDeque::new(),
        forecast: Forecast::new(Vec::new(), 0),
        opened: Instant::now(),
        ticks: 0,
        here: plan.slots.iter().map(|slot| is_here && slot.gpu.is_none()).collect(),
        progress: progress.clone(),
        _page: page,
    })
}

/// Function that passes a wish on to the run.
fn retry(wish: mpsc::UnboundedSender<()>) -> Box<dyn Fn() -> Result<(), String> + Send + Sync> {
    Box::new(move || wish.send(()).map_err(|_| "the sweep has ended; run it again".to_owned()))
}
