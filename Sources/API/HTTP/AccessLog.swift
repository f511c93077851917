import Logging

/// One line per request.
enum AccessLog {
    /// Writes the line of an exchange that has ended.
    @LoopActor
    static func write(
        _ exchange: HTTPExchange,
        _ outcome: HTTPConnection.Outcome,
        to logger: Logger
    ) {
        guard logger.logLevel <= .info else { return }
        let request = exchange.request
        let status = outcome == .answered ? exchange.status?.rawValue ?? 0 : 499
        var metadata: Logger.Metadata = [
            "request_id": "\(request.id)",
            "remote": "\(request.remoteAddress)",
            "method": "\(request.method.rawValue)",
            "path": "\(request.path.prefix(256))",
            "status": "\(status)",
            "bytes": "\(exchange.sentBytes)",
            "ms": "\(exchange.begunAt.duration(to: .now).milliseconds)",
        ]
        metadata.merge(request.log.metadata) { _, new in new }
        logger.info("request", metadata: metadata)
    }
}
