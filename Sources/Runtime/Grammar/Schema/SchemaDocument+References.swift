extension SchemaDocument {
    /// The subschema that `$ref` names.
    func resolve(_ reference: String, from id: SchemaID) throws(GrammarError) -> SchemaID {
        let place = pointer(id) + "/$ref"
        if reference == "#" { return entries[id].resource }
        if reference.hasPrefix("#/") {
            return try follow(reference.dropFirst(), from: entries[id].resource, place: place)
        }
        let absolute = SchemaURI.resolve(reference, against: baseURI(id))
        let parts = absolute.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let fragment = parts.count > 1 ? String(parts[1]) : ""
        let addresses = try allAddresses()
        if fragment.isEmpty || fragment.hasPrefix("/") {
            guard let resource = addresses[String(parts[0])] else {
                throw .unsupported("a $ref to '\(reference)', which is elsewhere,", at: place)
            }
            return fragment.isEmpty
                ? resource : try follow(fragment[...], from: resource, place: place)
        }
        guard let target = addresses[absolute] else {
            throw .unsupported("a $ref to '\(reference)', which is elsewhere,", at: place)
        }
        return target
    }

    /// Goes along a JSON pointer.
    private func follow(_ pointer: Substring, from start: SchemaID, place: String)
        throws(GrammarError) -> SchemaID
    {
        var id = start
        var value = entries[start].value
        var step = ""
        for part in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let key = Self.unescape(String(part))
            switch value {
            case .object(let object):
                guard let next = object[key] else {
                    throw .invalid("a $ref to '#\(pointer)', where there is nothing", at: place)
                }
                value = next
            case .array(let elements):
                guard let index = Int(key), elements.indices.contains(index) else {
                    throw .invalid("a $ref to '#\(pointer)', where there is nothing", at: place)
                }
                value = elements[index]
            default: throw .invalid("a $ref to '#\(pointer)', where there is nothing", at: place)
            }
            step += Self.step(key)
            // Intermediate objects are no subschemas, but resources count.
            if Self.identifier(value) != nil {
                id = try child(id, step, value)
                step = ""
            }
        }
        return step.isEmpty ? id : try child(id, step, value)
    }

    private static func unescape(_ part: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(part.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        var result: [UInt8] = []
        var decoded = bytes[...]
        while let byte = decoded.popFirst() {
            if byte == UInt8(ascii: "~"), let next = decoded.first, next == 0x30 || next == 0x31 {
                result.append(next == 0x30 ? 0x7E : 0x2F)
                decoded = decoded.dropFirst()
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The absolute URI that a subschema's references are relative to.
    private func baseURI(_ id: SchemaID) -> String {
        let resource = entries[id].resource
        let own = Self.identifier(entries[resource].value) ?? ""
        if resource == 0 { return SchemaURI.resolve(own, against: "schema:/") }
        return SchemaURI.resolve(own, against: baseURI(entries[resource].parent))
    }

    /// Finds every `$id` and `$anchor` of the document.
    private func allAddresses() throws(GrammarError) -> [String: SchemaID] {
        if let addresses { return addresses }
        var found: [String: SchemaID] = [:]
        var open: [(id: SchemaID, step: String, value: JSONValue)] = [(0, "", entries[0].value)]
        while let (parent, step, value) = open.popLast() {
            var id = parent
            var step = step
            if case .object(let object) = value {
                let isNamed =
                    Self.identifier(value) != nil || value["$anchor"]?.string != nil
                if isNamed, !step.isEmpty {
                    id = try child(id, step, value)
                    step = ""
                }
                if isNamed || id == 0 && step.isEmpty { note(id, value, &found) }
                for (key, value) in object.members where key != "enum" && key != "const" {
                    open.append((id, step + Self.step(key), value))
                }
            } else if case .array(let elements) = value {
                for (index, element) in elements.enumerated() {
                    open.append((id, step + "/\(index)", element))
                }
            }
        }
        addresses = found
        return found
    }

    private func note(_ id: SchemaID, _ value: JSONValue, _ found: inout [String: SchemaID]) {
        let base = baseURI(id)
        if entries[id].resource == id {
            let name = base.split(separator: "#", omittingEmptySubsequences: false)[0]
            found[String(name)] = id
        }
        if let own = Self.identifier(value), own.hasPrefix("#") {
            found[SchemaURI.resolve(own, against: base)] = id
        }
        if let anchor = value["$anchor"]?.string {
            found[SchemaURI.resolve("#" + anchor, against: base)] = id
        }
    }
}

/// References as RFC 3986 resolves them, as far as schemas need it.
enum SchemaURI {
    static func resolve(_ reference: String, against base: String) -> String {
        let base = base.split(separator: "#", omittingEmptySubsequences: false).first ?? ""
        if reference.isEmpty { return String(base) }
        if reference.hasPrefix("#") { return base + reference }
        if let colon = reference.firstIndex(of: ":"),
            reference[..<colon].allSatisfy({ $0.isLetter || $0.isNumber || "+-.".contains($0) })
        {
            return reference
        }
        guard let colon = base.firstIndex(of: ":") else { return reference }
        let scheme = base[...colon]
        var rest = base[base.index(after: colon)...]
        var authority: Substring = ""
        if rest.hasPrefix("//") {
            let start = rest.index(rest.startIndex, offsetBy: 2)
            let end = rest[start...].firstIndex(of: "/") ?? rest.endIndex
            authority = rest[..<end]
            rest = rest[end...]
        }
        if reference.hasPrefix("//") { return scheme + reference }
        if reference.hasPrefix("/") { return scheme + authority + reference }
        let folder = rest.lastIndex(of: "/").map { rest[...$0] } ?? "/"
        var segments: [Substring] = []
        let path = folder.dropFirst() + reference
        for segment in path.split(separator: "/", omittingEmptySubsequences: false) {
            if segment == ".." {
                _ = segments.popLast()
            } else if segment != "." {
                segments.append(segment)
            }
        }
        return scheme + authority + "/" + segments.joined(separator: "/")
    }
}
