import CLibUV

/// A timer of the loop, to be closed by its owner.
@LoopActor
package final class LoopTimer {
    private var handle: UVHandle<uv_timer_t>?
    private var fire: (@LoopActor () -> Void)?

    /// Makes a timer that is not running.
    package init(_ fire: @escaping @LoopActor () -> Void) throws(UVError) {
        self.fire = fire
        handle = try UVHandle(owner: self) { raw throws(UVError) in
            try uvCheck(uv_timer_init(EventLoop.shared.raw, raw), "make a timer")
        }
    }

    /// Fires once, `delay` from now; an earlier start is forgotten.
    package func start(after delay: Duration) {
        guard let handle, !handle.isClosing else { return }
        let (seconds, attoseconds) = delay.components
        let milliseconds =
            UInt64(max(0, seconds)) * 1000 + UInt64(max(0, attoseconds) / 1_000_000_000_000_000)
        // The loop's clock stands still while callbacks run.
        uv_update_time(EventLoop.shared.raw)
        uv_timer_start(handle.raw, timerDidFire, milliseconds, 0)
    }

    /// Forgets the start.
    package func stop() {
        guard let handle, !handle.isClosing else { return }
        uv_timer_stop(handle.raw)
    }

    /// Gives the timer back.
    package func close() {
        handle?.close()
        fire = nil
    }

    fileprivate func didFire() { fire?() }
}

private func timerDidFire(_ timer: UnsafeMutablePointer<uv_timer_t>?) {
    guard let owner = uvOwner(LoopTimer.self, of: timer?.pointee.data) else { return }
    LoopActor.assumeIsolated { owner.didFire() }
}
