mod lines;
mod races;
mod support;
