//! Parts for masters and agents.
