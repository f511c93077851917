import Glibc

/// The moment `strftime_now` shows.
///
/// It is handed in, so that a rendering depends on its input alone.
public struct TemplateClock: Sendable, Hashable {
    /// Seconds since 1970 in universal time.
    public let seconds: Int
    /// Seconds east of Greenwich the clock on the wall shows.
    public let offset: Int

    /// A moment, shown in universal time unless an offset is given.
    public init(seconds: Int, offset: Int) {
        self.seconds = seconds
        self.offset = offset
    }

    /// The present, on this machine's wall clock.
    public static var now: TemplateClock {
        var moment = time(nil)
        let seconds = moment
        var local = tm()
        localtime_r(&moment, &local)
        return TemplateClock(seconds: seconds, offset: local.tm_gmtoff)
    }

    /// Python's `strftime`, in the C locale.
    func formatted(
        _ format: String,
        _ interpreter: TemplateInterpreter
    ) throws(TemplateError) -> String {
        guard format.utf8.count <= 1024 else {
            throw interpreter.limit("a date format of more than 1024 bytes")
        }
        var moment = time_t(seconds.addingClamped(offset))
        var fields = tm()
        guard gmtime_r(&moment, &fields) != nil else {
            throw interpreter.fail("the date is out of range")
        }
        var output = ""
        var rest = format.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "%", let letter = rest.popFirst() else {
                output.unicodeScalars.append(scalar)
                continue
            }
            output += try field(letter, &rest, fields, interpreter)
        }
        return output
    }

    private func field(
        _ letter: Unicode.Scalar,
        _ rest: inout String.UnicodeScalarView.SubSequence,
        _ fields: tm,
        _ interpreter: TemplateInterpreter
    ) throws(TemplateError) -> String {
        switch letter {
        case "%": return "%"
        case "f": return "000000"
        case "z", "Z", ":": return ""
        case "-":
            // glibc's own: no padding.
            guard let letter = rest.popFirst() else { return "%-" }
            let padded = Self.field(letter, fields)
            let stripped = padded.drop { $0 == "0" || $0 == " " }
            return stripped.isEmpty ? "0" : String(stripped)
        default:
            guard letter.properties.isAlphabetic, letter.isASCII else {
                throw interpreter.fail("Invalid format string")
            }
            return Self.field(letter, fields)
        }
    }

    private static func field(_ letter: Unicode.Scalar, _ fields: tm) -> String {
        var fields = fields
        var buffer = [CChar](repeating: 0, count: 128)
        let length = strftime(&buffer, buffer.count, "%\(Character(letter))", &fields)
        return String(decoding: buffer.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
