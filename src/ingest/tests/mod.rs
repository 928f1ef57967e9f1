mod check;
mod lines;
mod races;
mod support;
