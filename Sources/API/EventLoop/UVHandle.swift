import CLibUV

/// The memory of one libuv handle, from its `init` until libuv's close callback.
///
/// The handle keeps its owner alive as long as libuv knows it. Closing more than once is closing
/// once; never closing shows up when the loop ends.
@LoopActor
struct UVHandle<Raw> {
    let raw: UnsafeMutablePointer<Raw>
    private(set) var isClosing = false

    /// Allocates the handle and lets `start` initialise it; `owner` is kept alive until closed.
    init(owner: AnyObject, _ start: (UnsafeMutablePointer<Raw>) throws(UVError) -> Void)
        throws(UVError)
    {
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: MemoryLayout<Raw>.size,
            alignment: MemoryLayout<Raw>.alignment
        )
        raw = memory.bindMemory(to: Raw.self, capacity: 1)
        do {
            try start(raw)
        } catch {
            memory.deallocate()
            throw error
        }
        base.pointee.data = Unmanaged.passRetained(owner).toOpaque()
    }

    /// The handle as libuv's common type.
    var base: UnsafeMutablePointer<uv_handle_t> {
        UnsafeMutableRawPointer(raw).assumingMemoryBound(to: uv_handle_t.self)
    }

    /// The handle as a stream, where it is one.
    var stream: UnsafeMutablePointer<uv_stream_t> {
        UnsafeMutableRawPointer(raw).assumingMemoryBound(to: uv_stream_t.self)
    }

    /// Gives the handle back to libuv.
    mutating func close() {
        guard !isClosing else { return }
        isClosing = true
        uv_close(base, handleDidClose)
    }
}

private func handleDidClose(_ handle: UnsafeMutablePointer<uv_handle_t>?) {
    guard let handle else { return }
    if let owner = handle.pointee.data { Unmanaged<AnyObject>.fromOpaque(owner).release() }
    UnsafeMutableRawPointer(handle).deallocate()
}

/// The Swift owner of a handle, inside one of libuv's callbacks.
func uvOwner<Owner: AnyObject>(
    _ type: Owner.Type,
    of data: UnsafeMutableRawPointer?
) -> Owner? {
    data.map { Unmanaged<Owner>.fromOpaque($0).takeUnretainedValue() }
}
