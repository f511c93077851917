import Glibc
import InferenceRuntime

/// Which files of a repository facet needs.
enum FileSelection {
    static let index = "model.safetensors.index.json"

    private static let wanted: Set<String> = [
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
        "tokenizer.model", "special_tokens_map.json", "added_tokens.json", "vocab.json",
        "merges.txt", "chat_template.json", "chat_template.jinja",
    ]

    /// Everything but the weights.
    static func descriptions(_ listing: HubListing) -> [HubFile] {
        listing.files.filter { file in
            wanted.contains(file.path) || file.path == index
                || (file.path.hasPrefix("additional_chat_templates/")
                    && file.path.hasSuffix(".jinja"))
        }
    }

    /// An adapter's two files and what may lie beside them; `nil` where there is no adapter.
    static func adapter(
        _ listing: HubListing,
        of reference: HubReference
    ) throws(HubError) -> [HubFile]? {
        let paths = Set(listing.files.map(\.path))
        guard paths.contains("adapter_config.json"), !paths.contains("config.json") else {
            return nil
        }
        guard paths.contains("adapter_model.safetensors") else {
            throw .unusable(
                reference,
                reason: paths.contains("adapter_model.bin")
                    ? "its weights are PyTorch pickles, which can run code; facet reads safetensors"
                    : "it has no adapter_model.safetensors"
            )
        }
        let own = ["adapter_config.json", "adapter_model.safetensors"]
        return descriptions(listing) + listing.files.filter { own.contains($0.path) }
    }

    private static let data = [
        "json", "jsonl", "ndjson", "csv", "txt", "text", "parquet", "arrow", "feather",
    ]

    /// The files of a data set that facet reads.
    /// - Parameter patterns: Paths with `*` and `?`; none: all of them.
    static func examples(
        _ listing: HubListing,
        _ patterns: [String],
        of reference: HubReference
    ) throws(HubError) -> [HubFile] {
        let files = listing.files.filter { file in
            var parts =
                file.path.lowercased().split(separator: "/").last?.split(separator: ".") ?? []
            if let last = parts.last, ["gz", "zst"].contains(last) { parts.removeLast() }
            guard parts.count > 1, data.contains(String(parts[parts.count - 1])) else {
                return false
            }
            return patterns.isEmpty || patterns.contains { fnmatch($0, file.path, 0) == 0 }
        }
        guard !files.isEmpty else {
            throw .unusable(
                reference,
                reason: patterns.isEmpty
                    ? "it has no JSON, CSV, text, Parquet or Arrow files"
                    : "none of its data files is called " + patterns.joined(separator: " or ")
            )
        }
        return files
    }

    /// The weights: what the index names, or the one file there is.
    static func weights(_ listing: HubListing, index: JSONValue?, of reference: HubReference)
        throws(HubError) -> [HubFile]
    {
        if let index {
            let names = try shards(index)
            let files = listing.files.filter { names.contains($0.path) }
            guard files.count == names.count else {
                let missing = names.subtracting(files.map(\.path)).sorted().first ?? ""
                throw .unusable(reference, reason: "its index names '\(missing)', which is missing")
            }
            return files
        }
        if let single = listing.files.first(where: { $0.path == "model.safetensors" }) {
            return [single]
        }
        let others = listing.files.filter {
            $0.path.hasSuffix(".safetensors") && !$0.path.contains("/")
                && !$0.path.hasPrefix("consolidated")
        }
        guard !others.isEmpty else {
            let pickled = listing.files.contains {
                $0.path.hasSuffix(".bin") || $0.path.hasSuffix(".pth")
            }
            throw .unusable(
                reference,
                reason: pickled
                    ? "its weights are PyTorch pickles, which can run code; facet reads safetensors"
                    : "it has no safetensors weights"
            )
        }
        return others
    }

    private static func shards(_ index: JSONValue) throws(HubError) -> Set<String> {
        guard let map = index["weight_map"]?.object else {
            throw .malformedAnswer("\(self.index) has no weight_map")
        }
        var names = Set<String>()
        for (_, value) in map.members {
            guard let name = value.string else {
                throw .malformedAnswer("\(self.index) names no file")
            }
            guard HubListing.isSafe(name) else { throw .unsafeFileName(name) }
            names.insert(name)
        }
        return names
    }
}
