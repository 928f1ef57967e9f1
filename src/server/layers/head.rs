//! Heads that are refused whatever they request: those that the guard replaced, and over HTTP/2,
//! which the guard does not read, those with too many headers.

use axum::extract::Request;

use crate::api::AppState;
use crate::api::error::{ApiError, Code};
use crate::server::framing::Refusal;

pub(super) fn check(app: &AppState, request: &Request) -> Result<(), ApiError> {
    let too_many = request.headers().len() > app.config().connection.headers_max;
    let refusal = match request.extensions().get::<Refusal>() {
        Some(refusal) => Some(*refusal),
        None => too_many.then_some(Refusal::TooManyHeaders),
    };
    match refusal {
        None => Ok(()),
        Some(refusal) => Err(ApiError::new(code(refusal), refusal.to_string())),
    }
}

fn code(refusal: Refusal) -> Code {
    match refusal {
        Refusal::TooLarge | Refusal::TooLongTarget | Refusal::TooManyHeaders => Code::HeadTooLarge,
        Refusal::LengthRequired => Code::LengthRequired,
        _ => Code::Invalid,
    }
}
