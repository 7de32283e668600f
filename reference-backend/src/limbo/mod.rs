//! An idle empty world: where players wait when no server stands behind them.
