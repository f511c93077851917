import InferenceRuntime
import Trainer

extension CreateFineTuningJobRequest {
    /// More than anybody looks at.
    private static let most = (integrations: 5, tags: 64, length: 128)

    /// `integrations`, of which Weights & Biases is the one there is.
    static func integrations(_ fields: RequestFields) throws(APIError) -> [WandbIntegration] {
        let entries = try fields.array("integrations") ?? []
        guard entries.count <= most.integrations else {
            throw .invalid("integrations", "At most \(most.integrations) 'integrations'.")
        }
        var integrations: [WandbIntegration] = []
        for (index, entry) in entries.enumerated() {
            let path = fields.name("integrations") + "[\(index)]."
            guard case .object(let object) = entry else {
                throw .invalid("integrations", "An element of 'integrations' must be an object.")
            }
            integrations.append(try integration(RequestFields(object, path: path)))
        }
        return integrations
    }

    private static func integration(
        _ fields: RequestFields
    ) throws(APIError) -> WandbIntegration {
        let type = try fields.requiredString("type")
        guard type == "wandb" else { throw .notAmong(fields.name("type"), ["wandb"], type) }
        guard let wandb = try fields.object("wandb") else { throw .missing(fields.name("wandb")) }
        let tags = try wandb.array("tags") ?? []
        let words = tags.compactMap(\.string)
        let integration = WandbIntegration(
            project: try wandb.requiredString("project"),
            name: try wandb.string("name"),
            entity: try wandb.string("entity"),
            tags: words
        )
        let texts = [integration.project, integration.name, integration.entity].compactMap(\.self)
        guard words.count == tags.count, words.count <= most.tags, !integration.project.isEmpty,
            (texts + words).allSatisfy({ $0.utf8.count <= most.length })
        else {
            throw .invalid(
                wandb.path + "project",
                "Invalid 'wandb': names of 1 to \(most.length) bytes, and at most \(most.tags) tags."
            )
        }
        return integration
    }
}
