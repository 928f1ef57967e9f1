//! `POST /api/v2/write` (contract sections 1, 4, 5 and 6).

mod params;
