import Glibc

/// Clocks that a busy machine does not hurry.
enum ProcessorTime {
    /// The seconds the calling thread has computed.
    static var thread: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
