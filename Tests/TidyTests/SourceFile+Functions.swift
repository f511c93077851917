extension SourceFile {
    /// A function and how many lines its declaration and body take.
    struct Function {
        let line: Int
        let length: Int
    }

    /// The functions and initialisers, found by indentation, which `swift format` guarantees.
    var functions: [Function] {
        var result: [Function] = []
        for (start, line) in lines.enumerated() where Self.beginsFunction(line) {
            let indentation = line.prefix { $0 == " " }
            let end = lines[start...].firstIndex { $0 == indentation + "}" }
            guard let end else { continue }
            result.append(Function(line: start + 1, length: end - start + 1))
        }
        return result
    }

    private static func beginsFunction(_ line: String) -> Bool {
        let words = line.split { " (<".contains($0) }.prefix(6)
        guard !line.trimmingPrefix(while: { $0 == " " }).hasPrefix("//") else { return false }
        return line.hasSuffix("{") || line.hasSuffix("(")
            ? words.contains("func") || words.first?.hasPrefix("init") == true
                || words.dropFirst().first?.hasPrefix("init") == true
            : false
    }
}
