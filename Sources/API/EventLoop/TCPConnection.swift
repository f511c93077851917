import CLibUV

/// One accepted socket: bytes in while its user reads, bytes out through libuv's queue.
@LoopActor
final class TCPConnection {
    /// What the socket tells its user.
    enum Event: Sendable {
        /// Bytes from the peer.
        case received([UInt8])
        /// The peer has finished sending; it may still be reading.
        case endOfInput
        /// The kernel has taken a write that had to wait.
        case wrote
        /// The peer has been told that nothing follows.
        case finishedWriting
        /// The connection is broken; nothing follows.
        case broken
    }

    /// The peer's numeric address.
    private(set) var remoteAddress = "?"
    private var handle: UVHandle<uv_tcp_t>?
    private var receive: (@LoopActor (Event) -> Void)?
    private var hasEnded = false
    private var hasFailed = false

    /// Takes the waiting connection of a listener.
    init(acceptedFrom listener: UnsafeMutablePointer<uv_stream_t>) throws(UVError) {
        var handle = try UVHandle<uv_tcp_t>(owner: self) { raw throws(UVError) in
            try uvCheck(uv_tcp_init(EventLoop.shared.raw, raw), "make a connection")
        }
        do {
            try uvCheck(uv_accept(listener, handle.stream), "accept a connection")
            uv_tcp_nodelay(handle.raw, 1)
            uv_tcp_keepalive(handle.raw, 1, 60)
            let peer = try SocketAddress("ask for the peer's address") { name, length in
                uv_tcp_getpeername(handle.raw, name, length)
            }
            remoteAddress = peer.host
        } catch {
            handle.close()
            throw error
        }
        self.handle = handle
    }

    /// Names who hears of events; reading begins with `isReading`.
    func start(_ receive: @escaping @LoopActor (Event) -> Void) {
        self.receive = receive
    }

    /// Whether bytes are taken from the kernel; while they are not, the peer will have to wait.
    var isReading = false {
        didSet {
            guard isReading != oldValue, let handle, !handle.isClosing, !hasEnded else { return }
            if isReading {
                let result = uv_read_start(handle.stream, lendReadBuffer, connectionDidRead)
                if result < 0 { fail() }
            } else {
                uv_read_stop(handle.stream)
            }
        }
    }

    /// Bytes that the kernel has not taken yet.
    var queuedBytes: Int {
        guard let handle, !handle.isClosing else { return 0 }
        return uv_stream_get_write_queue_size(handle.stream)
    }

    /// Sends bytes, at once where the kernel takes them, else in order as it does.
    func write(_ bytes: [UInt8]) {
        guard let handle, !handle.isClosing, !bytes.isEmpty else { return }
        let sent = queuedBytes == 0 ? tryWrite(bytes, on: handle) : 0
        guard sent < bytes.count else { return }
        var memory = WriteRequest.make(bytes[sent...])
        let result = uv_write(memory.request, handle.stream, &memory.buffer, 1, connectionDidWrite)
        guard result < 0 else { return }
        WriteRequest.free(memory.request)
        fail()
    }

    private func tryWrite(_ bytes: [UInt8], on handle: UVHandle<uv_tcp_t>) -> Int {
        bytes.withUnsafeBytes { bytes in
            let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
            var buffer = uv_buf_t(
                base: base?.assumingMemoryBound(to: CChar.self),
                len: bytes.count
            )
            return max(0, Int(uv_try_write(handle.stream, &buffer, 1)))
        }
    }

    /// Tells the peer that nothing follows what is queued; reading goes on.
    func finishWriting() {
        guard let handle, !handle.isClosing else { return }
        let request = UnsafeMutablePointer<uv_shutdown_t>.allocate(capacity: 1)
        let result = uv_shutdown(request, handle.stream, connectionDidFinishWriting)
        guard result < 0 else { return }
        request.deallocate()
        fail()
    }

    /// Closes the socket and drops what is queued.
    func close() {
        handle?.close()
        receive = nil
    }

    private func fail() {
        guard !hasFailed else { return }
        hasFailed = true
        hasEnded = true
        receive?(.broken)
    }

    fileprivate func didRead(_ count: Int, _ bytes: [UInt8]) {
        if count > 0 { return receive?(.received(bytes)) ?? () }
        guard count < 0, !hasEnded else { return }
        if let handle { uv_read_stop(handle.stream) }
        if Int32(clamping: count) == UV_EOF.rawValue {
            hasEnded = true
            receive?(.endOfInput)
        } else {
            fail()
        }
    }

    fileprivate func didFinishWriting(_ status: Int32) {
        guard let handle, !handle.isClosing else { return }
        if status < 0 { fail() } else { receive?(.finishedWriting) }
    }

    fileprivate func didWrite(_ status: Int32) {
        guard let handle, !handle.isClosing else { return }
        if status < 0 { fail() } else { receive?(.wrote) }
    }
}

/// libuv's request and the bytes to send, in one allocation that lives until the callback.
private enum WriteRequest {
    static func make(
        _ bytes: ArraySlice<UInt8>
    ) -> (request: UnsafeMutablePointer<uv_write_t>, buffer: uv_buf_t) {
        let size = MemoryLayout<uv_write_t>.stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size + bytes.count, alignment: 16)
        let content = memory + size
        UnsafeMutableRawBufferPointer(start: content, count: bytes.count).copyBytes(from: bytes)
        let base = content.assumingMemoryBound(to: CChar.self)
        return (
            memory.bindMemory(to: uv_write_t.self, capacity: 1),
            uv_buf_t(base: base, len: bytes.count)
        )
    }

    static func free(_ request: UnsafeMutablePointer<uv_write_t>) {
        UnsafeMutableRawPointer(request).deallocate()
    }
}

/// Every read uses the loop's one buffer, so an idle connection holds none.
private func lendReadBuffer(
    _ handle: UnsafeMutablePointer<uv_handle_t>?,
    _ suggested: Int,
    _ buffer: UnsafeMutablePointer<uv_buf_t>?
) {
    let memory = handle?.pointee.loop.pointee.data
    buffer?.pointee = uv_buf_t(
        base: memory?.assumingMemoryBound(to: CChar.self),
        len: memory == nil ? 0 : EventLoop.readBufferBytes
    )
}

private func connectionDidRead(
    _ stream: UnsafeMutablePointer<uv_stream_t>?,
    _ count: Int,
    _ buffer: UnsafePointer<uv_buf_t>?
) {
    guard let owner = uvOwner(TCPConnection.self, of: stream?.pointee.data) else { return }
    let bytes =
        count > 0
        ? Array(UnsafeRawBufferPointer(start: buffer?.pointee.base, count: count)) : []
    LoopActor.assumeIsolated { owner.didRead(count, bytes) }
}

private func connectionDidWrite(_ request: UnsafeMutablePointer<uv_write_t>?, _ status: Int32) {
    guard let request else { return }
    let owner = uvOwner(TCPConnection.self, of: request.pointee.handle?.pointee.data)
    WriteRequest.free(request)
    guard let owner else { return }
    LoopActor.assumeIsolated { owner.didWrite(status) }
}

private func connectionDidFinishWriting(
    _ request: UnsafeMutablePointer<uv_shutdown_t>?,
    _ status: Int32
) {
    guard let request else { return }
    let owner = uvOwner(TCPConnection.self, of: request.pointee.handle?.pointee.data)
    request.deallocate()
    guard let owner else { return }
    LoopActor.assumeIsolated { owner.didFinishWriting(status) }
}
