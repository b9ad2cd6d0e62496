use super::super::super::job::Job;
use super::super::squeue::Row;
use super::*;

fn order(slot: usize, instance: u64) -> Order {
    let job = Job {
        program: "worker".into(),
        arguments: vec!["run".into()],
        slot,
        instance,
        token: "secret".into(),
        logs: "logs/100%".into(),
    };
    Order { job, device: Vec::new(), environment: Vec::new() }
}

fn ticket(name: &str) -> Ticket {
    Ticket { name: name.to_owned(), pid: None }
}

fn row(state: &str, node: &str, code: &str) -> Row {
    let [array, state, node, code] = ["12", state, node, code].map(str::to_owned);
    Row { array, state, reason: String::new(), node, code, start: String::new() }
}

fn rows(desk: &Ticket, row: Row) -> Rows {
    Rows::from([(place(desk).unwrap(), row)])
}

/// A desk with two orders that were handed in, and their tickets.
fn handed_in() -> (Desk, [Ticket; 2]) {
    let mut desk = Desk::default();
    let tickets = [desk.order(order(0, 7)), desk.order(order(5, 8))].map(|name| ticket(&name));
    let array = desk.next_array().unwrap();
    assert!(desk.next_array().is_none(), "it is handed in once");
    desk.submitted(array, HandedIn::Taken);
    (desk, tickets)
}

#[test]
fn orders_of_one_moment_are_one_array_whose_indices_are_the_slots() {
    let mut desk = Desk::default();
    let names = [desk.order(order(0, 7)), desk.order(order(5, 8))];
    assert_eq!(names, ["attrisweep-7/0", "attrisweep-7/5"]);
    let array = desk.next_array().unwrap();
    let options = array.options(&order(0, 7).job);
    for expected in ["--array=0,5", "--job-name=attrisweep-7", "--output=logs/100%%-%a.log", "--requeue"] {
        assert!(options.iter().any(|option| option == expected), "{expected} in {options:?}");
    }
    assert_eq!(place(&ticket("attrisweep-7/5")), Some(("attrisweep-7".to_owned(), 5)));
    for other in ["boot:12", "other-7/5", "attrisweep-7/", "attrisweep-7"] {
        assert_eq!(place(&ticket(other)), None, "{other}");
    }
}

#[test]
fn a_refusal_is_told_to_each_worker_and_an_array_that_nobody_took_is_handed_in_again() {
    let mut desk = Desk::default();
    let ticket = ticket(&desk.order(order(0, 7)));
    let array = desk.next_array().unwrap();
    desk.submitted(array, HandedIn::Later);
    assert_eq!(desk.states(std::slice::from_ref(&ticket), None).0, [State::Queued]);
    let again = desk.next_array().unwrap();
    desk.submitted(again, HandedIn::Refused("no".into()));
    let (states, cancelled) = desk.states(std::slice::from_ref(&ticket), Some(&Rows::new()));
    assert_eq!((states, cancelled), (vec![State::Refused("no".into())], Vec::<String>::new()));
    assert!(desk.open().is_empty());
}

#[test]
fn a_job_that_is_to_end_is_cancelled_once_and_again_only_a_while_later() {
    let (mut desk, tickets) = handed_in();
    desk.end(&tickets[1]);
    desk.end(&tickets[1]);
    let shown = rows(&tickets[1], row("PENDING", "", "0"));
    assert_eq!(desk.states(&tickets, Some(&shown)).1, ["12_5"]);
    desk.end(&tickets[1]);
    assert_eq!(desk.states(&tickets, Some(&shown)).1, Vec::<String>::new());
    let ended = rows(&tickets[1], row("CANCELLED", "", "0"));
    assert_eq!(desk.states(&tickets, Some(&ended)).0[1], State::Ended(Ended::TakenAway));
}

#[test]
fn an_order_that_is_taken_back_before_it_is_handed_in_never_becomes_a_job() {
    let mut desk = Desk::default();
    let ticket = ticket(&desk.order(order(0, 7)));
    desk.end(&ticket);
    assert!(desk.next_array().is_none());
}

#[test]
fn a_job_that_answers_lack_is_gone_after_three_of_them_and_a_missing_answer_says_nothing() {
    let (mut desk, tickets) = handed_in();
    for _ in 0..10 {
        assert_eq!(desk.states(&tickets, None).0, [State::Unknown, State::Unknown]);
    }
    let none = Rows::new();
    for _ in 0..2 {
        assert_eq!(desk.states(&tickets, Some(&none)).0, [State::Unknown, State::Unknown]);
    }
    // Three answers, but all of them in the same moment.
    assert_eq!(desk.states(&tickets, Some(&none)).0[0], State::Unknown);
    for missing in desk.missing.values_mut() {
        missing.1 -= PATIENCE;
    }
    assert_eq!(desk.states(&tickets, Some(&none)).0[0], State::Ended(Ended::TakenAway));
}

#[test]
fn a_node_on_which_two_jobs_failed_is_excluded_but_not_for_jobs_that_were_cancelled_here() {
    let (mut desk, tickets) = handed_in();
    desk.end(&tickets[0]);
    desk.states(&tickets[..1], Some(&rows(&tickets[0], row("FAILED", "n1", "83:0"))));
    desk.states(&tickets[1..], Some(&rows(&tickets[1], row("FAILED", "n1", "83:0"))));
    assert_eq!(desk.nodes.excluded(None), None, "one failure");
    let third = ticket(&desk.order(order(0, 9)));
    let array = desk.next_array().unwrap();
    desk.submitted(array, HandedIn::Taken);
    desk.states(std::slice::from_ref(&third), Some(&rows(&third, row("NODE_FAIL", "n1", "0"))));
    assert_eq!(desk.nodes.excluded(None), Some("n1".to_owned()));
}
