use std::time::Duration;

use super::{Budget, Marks};

fn budget() -> Budget {
    Budget::new(Marks {
        budget_bytes: 100,
        soft_bytes: 50,
        hard_bytes: 90,
    })
}

#[test]
fn what_is_dropped_can_be_taken_again_and_never_more_than_the_hard_mark() {
    let budget = budget();
    let first = budget.try_reserve(60).expect("fits");
    let refused = budget.try_reserve(40).expect_err("60 + 40 > 90");
    assert!(refused.fits_when_idle());
    drop(first);
    assert_eq!(budget.used_bytes(), 0);
    assert!(
        !budget
            .try_reserve(91)
            .expect_err("never fits")
            .fits_when_idle()
    );
}

#[test]
fn reservations_split_merge_and_shrink_without_losing_a_byte() {
    let budget = budget();
    let mut whole = budget.try_reserve(80).expect("fits");
    let part = whole.split(30);
    assert_eq!(
        (whole.bytes(), part.bytes(), budget.used_bytes()),
        (50, 30, 80)
    );
    whole.merge(part);
    whole.shrink_to(10);
    assert_eq!((whole.bytes(), budget.used_bytes()), (10, 10));
    let forced = budget.force(200);
    assert!(whole.try_grow(1).is_err());
    drop((whole, forced));
    assert_eq!(budget.used_bytes(), 0);
}

#[test]
fn what_a_request_holds_itself_does_not_make_it_an_overload() {
    let budget = budget();
    let request = budget.account();
    let _body = request.try_reserve(60).expect("fits");
    let refused = request.try_reserve(50).expect_err("too much");
    assert_eq!(
        (refused.wanted_bytes, refused.fits_when_idle()),
        (110, false)
    );
    let of_another = budget.account().try_reserve(50).expect_err("too much");
    assert_eq!(
        (of_another.wanted_bytes, of_another.fits_when_idle()),
        (50, true)
    );
    // Bytes that went into the buffer still count, those that were given back do not.
    let _buffered = request.try_reserve(20).expect("fits").hand_over();
    drop(request.try_reserve(5).expect("fits"));
    let refused = request.try_reserve(25).expect_err("too much");
    assert_eq!(refused.wanted_bytes, 105);
}

#[tokio::test]
async fn flushes_share_what_is_above_the_hard_mark_in_the_order_in_which_they_come() {
    let marks = Marks {
        budget_bytes: 100 << 20,
        soft_bytes: 50 << 20,
        hard_bytes: 85 << 20,
    };
    assert_eq!(
        (marks.flush_bytes(), marks.kept_bytes()),
        (10 << 20, 5 << 20)
    );
    let budget = Budget::new(marks);
    let _full = budget.try_reserve(85 << 20).expect("fits");
    let first = budget.flush_share(6 << 20).await;
    let second = budget.flush_share(4 << 20).await;
    // Larger than the share is the whole share.
    let third = budget.flush_share(1 << 30);
    tokio::pin!(third);
    let soon = Duration::from_millis(5);
    assert!(tokio::time::timeout(soon, &mut third).await.is_err());
    drop(first);
    assert!(tokio::time::timeout(soon, &mut third).await.is_err());
    drop(second);
    drop(third.await);
    assert_eq!(budget.used_bytes(), 85 << 20);
    // A hard mark at the budget leaves them a sixteenth all the same.
    let full = Marks {
        hard_bytes: 100 << 20,
        ..marks
    };
    assert_eq!(full.flush_bytes() + full.kept_bytes(), 6_553_599);
}

#[test]
fn what_requests_hold_on_their_way_does_not_count_as_full_and_what_they_leave_does() {
    let budget = budget();
    let request = budget.account();
    let mut body = request.try_reserve(80).expect("fits");
    assert!(budget.try_reserve(20).is_err());
    assert_eq!(budget.would_fit(90), Ok(()));
    let rows = body.split(70).hand_over();
    let full = budget.would_fit(30).expect_err("70 stay");
    assert_eq!((full.used_bytes, full.wanted_bytes), (70, 30));
    let mut merged = request.empty();
    merged.merge(body);
    merged.shrink_to(5);
    assert_eq!(budget.would_fit(20), Ok(()));
    drop(merged);
    assert_eq!(budget.would_fit(20), Ok(()));
    drop(rows);
    assert_eq!((budget.used_bytes(), budget.would_fit(90)), (0, Ok(())));
}

#[test]
fn pressure_rises_between_the_marks() {
    let budget = budget();
    assert!(budget.pressure() < f64::EPSILON);
    let _held = budget.force(70);
    assert!((budget.pressure() - 0.5).abs() < 0.01);
    let _more = budget.force(1000);
    assert!((budget.pressure() - 1.0).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_waiter_is_served_when_memory_is_released_and_refused_when_it_is_not() {
    let budget = budget();
    let held = budget.try_reserve(90).expect("fits");
    assert!(
        budget
            .reserve_within(1, Duration::from_millis(5))
            .await
            .is_err()
    );
    let waiter = tokio::spawn({
        let budget = budget.clone();
        async move {
            budget
                .reserve_within(50, Duration::from_secs(60))
                .await
                .map(|_| ())
        }
    });
    tokio::task::yield_now().await;
    drop(held);
    assert!(waiter.await.expect("no panic").is_ok());
}
