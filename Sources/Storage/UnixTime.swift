import Glibc

/// The wall clock.
package enum UnixTime {
    /// Seconds since 1970.
    package static var now: Int { time(nil) }
}
