mod clock;
mod crashes;
mod flushes;
mod gone;
mod syncs;
mod world;
