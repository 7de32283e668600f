/// What a session's handles and its connection share.
pub struct SessionShared {}
