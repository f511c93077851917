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
