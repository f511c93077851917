import Logging
import Synchronization
import Testing

@testable import API

@Suite("Log lines")
struct QuotedLogHandlerTests {
    /// Keeps what would be written.
    private struct Recorder: LogHandler {
        final class Events: Sendable {
            let all = Mutex<[LogEvent]>([])
        }

        let events: Events
        var metadata = Logger.Metadata()
        var metadataProvider: Logger.MetadataProvider?
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { events.all.withLock { $0.append(event) } }
    }

    /// What is written of a field's value.
    private func written(_ value: Logger.MetadataValue) throws -> String {
        let events = Recorder.Events()
        let logger = Logger(label: "test") { _ in QuotedLogHandler(Recorder(events: events)) }
        logger.info("said", metadata: ["field": value])
        return "\(try #require(events.all.withLock { $0.first }?.metadata?["field"]))"
    }

    @Test("plain values stay as they are")
    func plain() throws {
        for value in ["/v1/models", "200", "req_1-2.3", "a:b@c,d"] {
            #expect(try written("\(value)") == value)
        }
    }

    @Test("what could end a line, forge a field or reach a terminal is escaped")
    func hostile() throws {
        #expect(try written("a\nb") == #""a\nb""#)
        #expect(try written("x status=200") == #""x status=200""#)
        #expect(try written("\"\\") == #""\"\\""#)
        #expect(try written("\u{1B}[31m\r\0") == #""\u{1b}[31m\r\u{0}""#)
        #expect(try written("\u{202E}\u{2028}\u{85}é") == #""\u{202e}\u{2028}\u{85}é""#)
        #expect(try written(["a\nb"]).contains("\n") == false)
        #expect(try written("") == #""""#)
    }

    @Test("a message is one line too")
    func message() throws {
        let events = Recorder.Events()
        let logger = Logger(label: "test") { _ in QuotedLogHandler(Recorder(events: events)) }
        logger.error("failed: a\nb \u{1B}c")
        let message = try #require(events.all.withLock { $0.first?.message })
        #expect("\(message)" == #"failed: a\nb \u{1b}c"#)
    }
}
