//! A terminal program that stays responsive while promises work: their callbacks change what is shown, on
//! the thread that shows it, so the state needs no care.
//!
//!     cargo run -p terminal

use asynckit::{AnyError, CancelToken, Canceller, Failure, LocalQueue, Outcome, Pool};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind};
use ratatui::layout::{Constraint, Layout};
use ratatui::widgets::{Block, Paragraph};
use std::io::{self, IsTerminal};
use std::panic;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};

const KEYS: &str = "s slow job   f fast job   p panic   x cancel all   q quit";

/// What wakes the loop.
enum Message {
    Key(KeyCode),
    /// A callback is waiting in the queue.
    Callback,
    /// The size has changed: draw again.
    Redraw,
}

/// What is shown. Callbacks must be `Send`, so it is behind a lock; only this thread takes it.
#[derive(Default)]
struct State {
    jobs: Vec<String>,
    keys: usize,
}

struct App {
    pool: Pool,
    ui: LocalQueue,
    ui_thread: ThreadId,
    state: Arc<Mutex<State>>,
    cancellers: Vec<Canceller>,
}

impl App {
    fn new(messages: Sender<Message>) -> App {
        let wake = Mutex::new(messages);
        let ui = LocalQueue::with_notify(move || {
            drop(wake.lock().unwrap_or_else(PoisonError::into_inner).send(Message::Callback));
        });
        let state = Arc::default();
        App {
            pool: Pool::new(2),
            ui,
            ui_thread: thread::current().id(),
            state,
            cancellers: Vec::new(),
        }
    }

    fn change(&self, f: impl FnOnce(&mut State)) {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Starts a job on the pool; its callback comes back here.
    fn start(&mut self, name: &str, work: impl FnOnce(&CancelToken) -> usize + Send + 'static) {
        let (mut line, name) = (0, name.to_owned());
        self.change(|state| {
            line = state.jobs.len();
            state.jobs.push(format!("{name}: working"));
        });
        let (state, ui_thread) = (self.state.clone(), self.ui_thread);
        let job = self.pool.spawn_cancellable(move |token| Ok::<_, AnyError>(work(token)));
        let (job, canceller) = job.cancellable();
        self.cancellers.push(canceller);
        let shown = job.via(&self.ui).inspect(move |outcome| {
            assert_eq!(thread::current().id(), ui_thread, "callbacks run here");
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.jobs[line] = format!("{name}: {}", told(outcome));
        });
        drop(shown); // it goes on
    }

    /// `false`: quit.
    fn press(&mut self, key: KeyCode) -> bool {
        self.change(|state| state.keys += 1);
        match key {
            KeyCode::Char('q') => return false,
            KeyCode::Char('s') => self.start("slow", |token| primes(usize::MAX, token)),
            KeyCode::Char('f') => self.start("fast", |token| primes(10_000, token)),
            KeyCode::Char('p') => self.start("bad", |_| panic!("something is wrong")),
            KeyCode::Char('x') => {
                self.cancellers.drain(..).for_each(|canceller| canceller.cancel())
            }
            _ => {}
        }
        true
    }

    fn draw(&self, terminal: &mut DefaultTerminal) -> io::Result<()> {
        let mut text = (String::new(), String::new());
        self.change(|state| {
            text = (state.jobs.join("\n"), format!("{} keys pressed. {KEYS}", state.keys));
        });
        terminal.draw(|frame| {
            let [list, status] =
                Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(frame.area());
            frame
                .render_widget(Paragraph::new(text.0).block(Block::bordered().title("jobs")), list);
            frame.render_widget(Paragraph::new(text.1), status);
        })?;
        Ok(())
    }

    fn run(
        &mut self,
        terminal: &mut DefaultTerminal,
        messages: &Receiver<Message>,
    ) -> io::Result<()> {
        self.draw(terminal)?;
        while let Ok(message) = messages.recv() {
            match message {
                Message::Key(key) if !self.press(key) => break,
                Message::Key(_) | Message::Redraw => {}
                Message::Callback => drop(self.ui.run_pending()),
            }
            self.draw(terminal)?;
        }
        self.press(KeyCode::Char('x')); // what runs would keep the pool from ending
        Ok(())
    }
}

fn told(outcome: &Outcome<usize>) -> String {
    match outcome {
        Ok(primes) => format!("{primes} primes"),
        Err(Failure::Panicked(panic)) => format!("failed, {}", panic.message()),
        Err(other) => other.to_string(),
    }
}

/// How many primes there are below `end`, unless somebody cancels.
fn primes(end: usize, token: &CancelToken) -> usize {
    let is_prime = |n: &usize| (2..).take_while(|d| d * d <= *n).all(|d| n % d != 0);
    (2..end).take_while(|_| !token.is_cancelled()).filter(is_prime).count()
}

/// Reads keys for as long as the program runs.
fn read_keys(messages: &Sender<Message>) {
    while let Ok(event) = event::read() {
        let message = match event {
            Event::Key(key) if key.kind == KeyEventKind::Press => Message::Key(key.code),
            _ => Message::Redraw,
        };
        if messages.send(message).is_err() {
            return;
        }
    }
}

/// ratatui gives the screen back when something panics: only where it is this thread, please. The panic of
/// a job is an outcome.
fn keep_screen(ui_thread: ThreadId) {
    let give_back = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() == ui_thread {
            give_back(info);
        }
    }));
}

fn run() -> io::Result<()> {
    let (send, messages) = channel();
    let mut app = App::new(send.clone());
    let mut terminal = ratatui::init();
    keep_screen(app.ui_thread);
    thread::Builder::new().name("keys".to_owned()).spawn(move || read_keys(&send))?;
    let result = app.run(&mut terminal, &messages);
    ratatui::restore();
    result
}

fn main() -> io::Result<()> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return run();
    }
    println!("this example needs a terminal");
    Ok(())
}

#[cfg(test)]
mod tests;
