//! Names, in a program that imports all of them at once.

use asynckit::*;

#[test]
fn crates_that_have_the_names_of_our_modules_are_reached_by_their_paths() {
    let (tell, told) = ::tokio::sync::oneshot::channel::<u32>();
    let mut sent: Promise<()> = tokio::spawn(async move {
        tell.send(7).map_err(|_| "nothing listens")?;
        Ok(())
    });
    sent.get(None).expect("sent");
    let mut told: Promise<u32> = told.into();
    assert_eq!(told.get(None).expect("told"), 7);
    let error = http::Error::from(http::ErrorKind::Closed);
    assert_eq!(error.kind(), http::ErrorKind::Closed);
}
