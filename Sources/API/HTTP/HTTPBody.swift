/// Where the chunks of a request body come from.
package protocol HTTPBodySource: Sendable {
    /// The next chunk, or `nil` at the end; asking is what lets the connection read on.
    func next() async throws(APIError) -> [UInt8]?
}

/// A request body: a sequence of chunks, to be read once by one consumer.
///
/// The connection reads on only as chunks are asked for, so a slow consumer slows the client
/// instead of filling memory. `Expect: 100-continue` is answered when the first chunk is asked for.
public struct HTTPBody: AsyncSequence, Sendable {
    fileprivate enum Storage {
        case bytes([UInt8])
        case source(any HTTPBodySource)
    }

    /// What `Content-Length` declares; `nil` for a chunked body.
    public let declaredLength: Int?
    /// More bytes than this are a 413.
    public internal(set) var limit: Int
    /// Where its bytes are counted while they are in memory; `nil` in process.
    var reservation: RequestReservation?
    private let storage: Storage

    /// A body that is already there.
    public init(_ bytes: [UInt8]) {
        storage = .bytes(bytes)
        declaredLength = bytes.count
        limit = .max
    }

    /// A body that comes from a connection.
    package init(source: any HTTPBodySource, declaredLength: Int?, limit: Int) {
        storage = .source(source)
        self.declaredLength = declaredLength
        self.limit = limit
    }

    /// The same body with another limit; a declared length beyond it is refused at once.
    public func limited(to limit: Int) throws(APIError) -> HTTPBody {
        if let declaredLength, declaredLength > limit { throw .bodyTooLarge(limit: limit) }
        var body = self
        body.limit = limit
        return body
    }

    /// All bytes; 413 where there are more than `limit`, 429 or 503 where bodies hold too much.
    public func collect(upTo limit: Int = .max) async throws(APIError) -> [UInt8] {
        let body = try limited(to: Swift.min(limit, self.limit))
        if case .bytes(let bytes) = body.storage {
            try reservation?.take(bytes.count)
            return bytes
        }
        var collected: [UInt8] = []
        var iterator = body.makeAsyncIterator()
        while let chunk = try await iterator.next() {
            try reservation?.take(chunk.count)
            collected.append(contentsOf: chunk)
        }
        return collected
    }

    /// Begins to read.
    public func makeAsyncIterator() -> Iterator { Iterator(storage: storage, limit: limit) }

    /// Reads the chunks and counts them against the limit.
    public struct Iterator: AsyncIteratorProtocol {
        private var storage: Storage
        private var received = 0
        private let limit: Int

        fileprivate init(storage: Storage, limit: Int) {
            self.storage = storage
            self.limit = limit
        }

        /// The next chunk, never empty; `nil` at the end.
        public mutating func next() async throws(APIError) -> [UInt8]? {
            switch storage {
            case .bytes(let bytes):
                storage = .bytes([])
                guard bytes.count <= limit else { throw .bodyTooLarge(limit: limit) }
                return bytes.isEmpty ? nil : bytes
            case .source(let source):
                guard let chunk = try await source.next() else { return nil }
                received += chunk.count
                guard received <= limit else { throw .bodyTooLarge(limit: limit) }
                return chunk
            }
        }
    }
}
