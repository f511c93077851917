extension TemplateInterpreter {
    func applySequence(
        _ filter: TemplateFilter,
        _ value: TemplateValue,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        switch filter {
        case .first:
            if case .iterator(let iterator) = value, iterator.kind == .generator {
                return iterator.next() ?? noItem("No first item, sequence was empty.")
            }
            return try iterate(value).first ?? noItem("No first item, sequence was empty.")
        case .last:
            if case .iterator = value { throw fail("'generator' object is not reversible") }
            return try iterate(value).last ?? noItem("No last item, sequence was empty.")
        case .join: return try join(value, values)
        case .reverse:
            if case .string(let text) = value {
                try charge(bytes: text.utf8.count)
                return .string(text.with(PythonString(Array(text.scalars.reversed())).utf8))
            }
            let reversed = Array(try iterate(value).reversed())
            try charge(elements: reversed.count)
            return .iterator(TemplateIterator(reversed, kind: .reversed))
        case .dictsort: return try dictSort(value, values)
        case .sort:
            let keys = try values[2].map { (path) throws(TemplateError) in try paths(path) }
            let folds = values[1]?.isTrue != true
            return try list(
                try sorted(try iterate(value), reverse: values[0]?.isTrue == true) {
                    (item) throws(TemplateError) in try self.key(of: item, keys, folds)
                }
            )
        case .unique: return try unique(value, values)
        case .max, .min: return try extreme(filter, value, values)
        case .sum:
            var sum = values[1] ?? .int(0)
            for item in try iterate(value) {
                let term = try values[0].map { (path) throws(TemplateError) in
                    try attribute(path: path, of: item, fallback: nil)
                }
                sum = try apply(.add, sum, term ?? item)
            }
            return sum
        case .batch, .slice: return try chunks(filter, value, values)
        case .groupby: return try groups(value, values)
        default: throw fail("the filter '\(filter.rawValue)' is not supported")
        }
    }

    private func noItem(_ message: String) -> TemplateValue {
        .undefined(UndefinedValue(.other(message)))
    }

    private func join(
        _ value: TemplateValue,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        let separator = try values[0].map { (value) throws(TemplateError) in try str(value) } ?? ""
        var output: [UInt8] = []
        for (index, item) in try iterate(value).enumerated() {
            var item = item
            if let path = values[1] {
                item = try attribute(path: path, of: item, fallback: nil)
            }
            let text = try str(item)
            try charge(bytes: text.utf8.count + separator.utf8.count)
            if index > 0 { output += separator.utf8 }
            output += text.utf8
        }
        return .string(meter.claim(PythonString(utf8: output, isMarkup: false)))
    }

    // MARK: - Order

    private func paths(_ value: TemplateValue) throws(TemplateError) -> [TemplateValue] {
        guard case .string(let text) = value else { return [value] }
        return try parts(of: text, ",").map { .string($0) }
    }

    /// What an item is ordered by; text in lower case where case does not count.
    private func key(
        of item: TemplateValue,
        _ paths: [TemplateValue]?,
        _ folds: Bool
    ) throws(TemplateError) -> TemplateValue {
        guard let paths else { return try folded(item, folds) }
        var keys: [TemplateValue] = []
        for path in paths {
            let key = try attribute(path: path, of: item, fallback: nil)
            keys.append(try folded(key, folds))
        }
        return try list(keys)
    }

    private func folded(
        _ value: TemplateValue,
        _ folds: Bool
    ) throws(TemplateError) -> TemplateValue {
        guard folds, case .string(let text) = value else { return value }
        return try changingCase(text, "lower")
    }

    /// Python's stable `sorted`.
    private func sorted(
        _ items: [TemplateValue],
        reverse: Bool,
        by key: (TemplateValue) throws(TemplateError) -> TemplateValue
    ) throws(TemplateError) -> [TemplateValue] {
        var keyed: [(key: TemplateValue, item: TemplateValue)] = []
        // Merging holds three copies of keys and items at most.
        try charge(elements: items.count, each: 5 * MemoryLayout<TemplateValue>.stride)
        for item in items { keyed.append((key: try key(item), item: item)) }
        let sorted = try mergeSorted(keyed[...], reverse)
        return sorted.map(\.item)
    }

    private func mergeSorted(
        _ items: ArraySlice<(key: TemplateValue, item: TemplateValue)>,
        _ reverse: Bool
    ) throws(TemplateError) -> [(key: TemplateValue, item: TemplateValue)] {
        guard items.count > 1 else { return Array(items) }
        let middle = items.startIndex + items.count / 2
        let left = try mergeSorted(items[..<middle], reverse)
        let right = try mergeSorted(items[middle...], reverse)
        var merged: [(key: TemplateValue, item: TemplateValue)] = []
        merged.reserveCapacity(items.count)
        var (first, second) = (0, 0)
        while first < left.count, second < right.count {
            let takesRight =
                reverse
                ? try precedes(left[first].key, right[second].key, "<")
                : try precedes(right[second].key, left[first].key, "<")
            if takesRight {
                merged.append(right[second])
                second += 1
            } else {
                merged.append(left[first])
                first += 1
            }
        }
        return merged + left[first...] + right[second...]
    }

    private func dictSort(
        _ value: TemplateValue,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        guard case .dict(let dict) = value else {
            if case .undefined(let undefined) = value { throw fail(undefined) }
            throw fail("'\(value.typeName)' object has no attribute 'items'")
        }
        let by = try optionalText(values[1], "dictsort")?.string ?? "key"
        guard by == "key" || by == "value" else {
            throw fail("You can only sort by either \"key\" or \"value\"")
        }
        let folds = values[0]?.isTrue != true
        let pairs = try iterate(.view(DictView(.items, of: dict)))
        return try list(
            try sorted(pairs, reverse: values[2]?.isTrue == true) { (pair) throws(TemplateError) in
                guard case .tuple(let pair) = pair else { return .none }
                return try self.folded(pair.elements[by == "key" ? 0 : 1], folds)
            }
        )
    }

    private func unique(
        _ value: TemplateValue,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        let folds = values[0]?.isTrue != true
        var seen: Set<DictKey> = []
        var results: [TemplateValue] = []
        for item in try iterate(value) {
            var key = item
            if let path = values[1] {
                key = try attribute(path: path, of: item, fallback: nil)
            }
            key = try folded(key, folds)
            try charge(key.weight)
            try charge(elements: 1, each: TemplateMeter.containerBytes)
            guard let hashed = DictKey(key) else {
                throw fail("unhashable type: '\(key.typeName)'")
            }
            if seen.insert(hashed).inserted { results.append(item) }
        }
        return try generator(results)
    }

    private func extreme(
        _ filter: TemplateFilter,
        _ value: TemplateValue,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        let folds = values[0]?.isTrue != true
        var best: (key: TemplateValue, item: TemplateValue)?
        for item in try iterate(value) {
            var key = item
            if let path = values[1] {
                key = try attribute(path: path, of: item, fallback: nil)
            }
            key = try folded(key, folds)
            guard let present = best else {
                best = (key: key, item: item)
                continue
            }
            let isBetter =
                filter == .max
                ? try precedes(present.key, key, ">") : try precedes(key, present.key, "<")
            if isBetter { best = (key: key, item: item) }
        }
        return best?.item ?? noItem("No aggregated item, sequence was empty.")
    }

    // MARK: - Groups

    private func chunks(
        _ filter: TemplateFilter,
        _ value: TemplateValue,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        let items = try iterate(value)
        guard let size = try optionalInteger(values[0], filter.rawValue), size > 0 else {
            throw fail("\(filter.rawValue) needs a positive number")
        }
        var chunks: [TemplateValue] = []
        if filter == .batch {
            var start = 0
            while start < items.count {
                let (sum, overflow) = start.addingReportingOverflow(size)
                let end = Swift.min(overflow ? items.count : sum, items.count)
                var chunk = Array(items[start..<end])
                if let fill = values[1], chunk.count < size {
                    try charge(elements: size - chunk.count)
                    chunk += repeatElement(fill, count: size - chunk.count)
                }
                chunks.append(try list(chunk))
                start = end
            }
            return try generator(chunks)
        }
        try charge(elements: size)
        var start = 0
        for index in 0..<size {
            let isLonger = index < items.count % size
            let end = start + items.count / size + (isLonger ? 1 : 0)
            var chunk = Array(items[start..<end])
            // As in Jinja2, also where all are equally long.
            if let fill = values[1], !isLonger { chunk.append(fill) }
            chunks.append(try list(chunk))
            start = end
        }
        return try generator(chunks)
    }

    private func groups(
        _ value: TemplateValue,
        _ values: [TemplateValue?]
    ) throws(TemplateError) -> TemplateValue {
        guard let path = values[0] else { throw missing("attribute", "groupby") }
        let folds = values[2]?.isTrue != true
        func raw(_ item: TemplateValue) throws(TemplateError) -> TemplateValue {
            try attribute(path: path, of: item, fallback: values[1])
        }
        let items = try sorted(try iterate(value), reverse: false) { (item) throws(TemplateError) in
            try self.folded(try raw(item), folds)
        }
        var groups: [TemplateValue] = []
        var members: [TemplateValue] = []
        func close() throws(TemplateError) {
            guard let first = members.first else { return }
            groups.append(try tuple([try raw(first), try list(members)]))
            members = []
        }
        for item in items {
            if let first = members.first {
                let same = try equal(
                    try folded(try raw(first), folds),
                    try folded(try raw(item), folds)
                )
                if !same { try close() }
            }
            members.append(item)
        }
        try close()
        return try list(groups)
    }
}
