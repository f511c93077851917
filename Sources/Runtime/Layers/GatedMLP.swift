/// The gated MLP: down(act(gate x) × up x), or without a gate down(act(up x)).
///
/// Also one expert of a mixture.
struct GatedMLP: Sendable {
    /// gate and up, or both as one; each writes its columns of a row of `gateUp`.
    let inputs: LinearGroup
    let down: Linear
    let activation: GatedActivation
    let isGated: Bool

    /// A row of `gateUp`.
    private var stride: Int { isGated ? 2 * width : width }
    /// Width inside.
    var width: Int { down.inputs }
    private var hidden: Int { down.outputs }

    /// out [rows, hidden] from x [rows, hidden].
    func forward(
        _ x: UnsafePointer<Float>,
        into out: UnsafeMutablePointer<Float>,
        _ step: LayerStep
    ) {
        projectUp(x, step)
        activate(step)
        projectDown(into: out, step)
    }

    /// gate x and up x.
    func projectUp(_ x: UnsafePointer<Float>, _ step: LayerStep) {
        let workspace = step.workspace
        let gateUp = workspace.gateUp.baseAddress
        workspace.input.load(x, rows: step.rows, columns: hidden, step.context)
        inputs.forward(x, workspace.input, into: gateUp, stride: stride, step)
    }

    /// act(gate x) × up x.
    func activate(_ step: LayerStep) {
        let gateUp = step.workspace.gateUp.baseAddress
        activation.forward(
            gate: gateUp,
            up: isGated ? gateUp + width : nil,
            rows: step.rows,
            columns: width,
            stride: stride,
            into: step.workspace.active.baseAddress,
            outStride: width,
            step.context
        )
    }

    /// out = down of what is active.
    func projectDown(into out: UnsafeMutablePointer<Float>, _ step: LayerStep) {
        let workspace = step.workspace
        let active = workspace.active.baseAddress
        workspace.input.load(active, rows: step.rows, columns: width, step.context)
        down.forward(active, workspace.input, into: out, stride: hidden, step)
    }

    /// dx += the gradient through this layer; the workspace holds what `forward` left.
    func backward(
        _ g: UnsafePointer<Float>,
        x: UnsafePointer<Float>,
        into dx: UnsafeMutablePointer<Float>,
        _ backward: BackwardStep
    ) {
        let (step, grads) = (backward.step, backward.workspace)
        let workspace = step.workspace
        let dActive = grads.active.cleared(step.rows * width)
        down.backward(
            g,
            stride: hidden,
            x: workspace.active.baseAddress,
            into: dActive,
            backward
        )
        let gateUp = workspace.gateUp.baseAddress
        let dGateUp = grads.gateUp.baseAddress
        activation.backward(
            gate: gateUp,
            up: isGated ? gateUp + width : nil,
            gradient: dActive,
            rows: step.rows,
            columns: width,
            stride: stride,
            gradientStride: width,
            gateInto: dGateUp,
            upInto: isGated ? dGateUp + width : nil,
            step.context
        )
        for part in inputs.parts {
            part.linear.backward(
                dGateUp + part.column,
                stride: stride,
                x: x,
                into: dx,
                backward
            )
        }
    }
}
