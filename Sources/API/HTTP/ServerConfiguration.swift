public import InferenceRuntime

/// What an HTTP server is told before it starts.
public struct ServerConfiguration: Sendable {
    /// The address to listen on, or a name of one.
    public var host = "127.0.0.1"
    /// The port; 0 picks a free one.
    public var port = 8000
    /// Certificate and key, where the server speaks TLS.
    public var tls: TLSFiles?
    /// How long clients may take.
    public var timeouts = HTTPTimeouts()
    /// How much clients may send and hold open.
    public var limits = HTTPLimits()
    /// The memory that bodies and answers are taken from.
    public var memory = MemoryLedger(total: 256 << 20, allotments: [.requests: 256 << 20])
    /// Which web pages may call the server from a browser.
    public var cors = CORSPolicy.loopback
    /// The names under which the server answers.
    public var hosts = HostPolicy.any

    /// Makes a configuration for `127.0.0.1:8000` without TLS.
    public init() {}
}

/// How long a client may take for each part of a request.
public struct HTTPTimeouts: Sendable {
    /// From the first byte of a request, or the connection's start, to the end of its head.
    public var head = Duration.seconds(10)
    /// Between two reads of a body that the handler waits for, and for all of its reads together
    /// where it comes slower than `HTTPConnection.slowestBody`.
    public var body = Duration.seconds(30)
    /// Between two requests of a connection.
    public var idle = Duration.seconds(75)
    /// For the client to take anything of what waits to be written.
    public var write = Duration.seconds(60)
    /// For a handler whose client has finished sending, which may mean that it is gone.
    public var halfClosed = Duration.seconds(1)
    /// For the client to close after the server has finished sending.
    public var linger = Duration.seconds(10)
    /// For running requests after `drain()` began.
    public var drain = Duration.seconds(30)

    /// Makes the defaults.
    public init() {}
}

/// How much a client may send and hold open.
public struct HTTPLimits: Sendable {
    /// Request line and header fields together, in bytes; beyond is a 431.
    public var headBytes = 64 << 10
    /// Connections at a time; further ones wait in the kernel's queue.
    public var connections = 4096
    /// Request bodies where no route says otherwise, in bytes.
    public var bodyBytes = Router.jsonBodyLimit

    /// Makes the defaults.
    public init() {}
}

/// Which names the server answers to, as requests give them in `Host`.
public enum HostPolicy: Sendable, Equatable {
    /// Every name.
    case any
    /// Names and addresses of the loopback interface, and those listed.
    case thisMachine(and: [String])
}

/// Which origins a browser may call the server from.
public enum CORSPolicy: Sendable {
    /// Pages served from this machine, so that no web site can use a server without keys.
    case loopback
    /// Every page: for servers that ask for a key.
    case any
    /// The origins listed, such as `https://chat.example.org`.
    case origins([String])
}
