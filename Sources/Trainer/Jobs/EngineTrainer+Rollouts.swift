import InferenceRuntime
import Storage

/// What a job of reinforcement has beside others.
extension EngineTrainer {
    /// What makes experience of a job's data; `nil` where the data are what is learned.
    func experience(
        of job: FineTuningJob,
        _ control: TrainingControl
    ) throws(FineTuningError) -> (any ExperienceSource)? {
        guard job.request.method == .reinforcement else { return nil }
        let grader: Grader
        do throws(GraderError) {
            grader = try Grader(job.request.grader ?? .null)
        } catch {
            throw FineTuningError(
                code: "invalid_grader",
                message: error.message,
                param: "method.reinforcement.grader"
            )
        }
        return Rollouts(
            sampler: EngineSampler(
                engine: environment.engine,
                stopTokens: environment.base.defaults.stopTokens,
                tenant: job.tenant.name
            ),
            grading: AnswerGrading(
                grader: grader,
                judge: environment.judges.judge(for: job.tenant)
            ),
            text: AnswerText(encoder: environment.base.encoder),
            thread: EngineThread(engine: environment.engine),
            order: { control.current }
        )
    }

    /// The most tokens of an example or a prompt, and of an answer that is drawn.
    func room(
        of job: FineTuningJob,
        _ chosen: Hyperparameters
    ) throws(FineTuningError) -> (prompt: Int, answer: Int) {
        let context = environment.model.architecture.contextLength
        guard chosen.method == .reinforcement else {
            return (min(chosen.cutoffLength, context), 0)
        }
        let all = min(chosen.cutoffLength, environment.engine.contextTokens)
        let isAsked = job.request.hyperparameters.json["max_completion_tokens"] != nil
        let usual = min(chosen.maxCompletionTokens, all / 2)
        let answer = isAsked ? chosen.maxCompletionTokens : usual
        guard answer >= 1, answer < all else {
            throw FineTuningError(
                code: "invalid_hyperparameters",
                message: "'max_completion_tokens' is \(answer), and prompt and answer have "
                    + "\(all) tokens together: lower it.",
                param: "max_completion_tokens"
            )
        }
        return (all - answer, answer)
    }
}
