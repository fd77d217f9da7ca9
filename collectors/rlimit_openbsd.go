package collectors

// rlimitAS says that OpenBSD does not limit the virtual memory.
const rlimitAS = -1
