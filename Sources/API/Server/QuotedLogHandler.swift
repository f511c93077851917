public import Logging

/// Writes every record of a log as one line, whatever its values hold.
///
/// Names, paths and errors come from requests. A line break in one would begin a line that the
/// server never wrote, an escape sequence would reach the terminal of whoever reads the log.
public struct QuotedLogHandler<Base: LogHandler>: LogHandler {
    private var base: Base

    /// A handler that passes on to `base` what is safe to print.
    public init(_ base: Base) {
        self.base = base
    }

    /// The least level that is written.
    public var logLevel: Logger.Level {
        get { base.logLevel }
        set { base.logLevel = newValue }
    }

    /// The fields of every record.
    public var metadata: Logger.Metadata {
        get { base.metadata }
        set { base.metadata = newValue.mapValues(Self.quoted) }
    }

    /// Adds fields that depend on the task.
    public var metadataProvider: Logger.MetadataProvider? {
        get { base.metadataProvider }
        set { base.metadataProvider = newValue }
    }

    /// One field of every record.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { base[metadataKey: key] }
        set { base[metadataKey: key] = newValue.map(Self.quoted) }
    }

    /// Writes a record.
    public func log(event: LogEvent) {
        var event = event
        event.message = "\(Self.escaped("\(event.message)"))"
        event.metadata = event.metadata?.mapValues(Self.quoted)
        base.log(event: event)
    }

    private static func quoted(_ value: Logger.MetadataValue) -> Logger.MetadataValue {
        let text = "\(value)"
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "="): false
            default: (0x21...0x7E).contains(byte)
            }
        }
        if isPlain, !text.isEmpty { return .string(text) }
        let inner = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return .string("\"\(escaped(inner))\"")
    }

    /// The text with `\u{…}` in place of what is no visible character: controls, marks that turn the
    /// direction of writing, separators of lines.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse:
                switch scalar {
                case "\n": result += "\\n"
                case "\r": result += "\\r"
                case "\t": result += "\\t"
                default: result += "\\u{\(String(scalar.value, radix: 16))}"
                }
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
