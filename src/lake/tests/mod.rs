mod crashes;
mod flushes;
mod world;
