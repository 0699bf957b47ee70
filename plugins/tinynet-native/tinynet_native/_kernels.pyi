"""The kernels in C. Outputs are the caller's; an output that is None is not computed.

A window comes as six numbers: strides, padding above and to the left, and dilation, each down and
right. All arrays of real numbers in a call have one dtype, float32 or float64. Inputs are copied if
they are not contiguous or not aligned; outputs must be both.

Each update of `tinynet.kernels.updates` that is compiled has a function of its name here, with the
same arguments, all of them positional. In place of arrays it takes lists of those of several
parameters.

Every function raises ValueError where shapes or dtypes do not fit together, and TypeError where an
argument is no array or no number.
"""

from tinynet.types import Array

class Recording:
    """See `tinynet.kernels.Recording`."""

    @property
    def faithful(self) -> bool: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def run(self) -> None: ...

def conv2d(
    x: Array, weight: Array, bias: Array | None, y: Array, relu: bool, /, *window: int
) -> None: ...
def conv2d_backward(
    dy: Array,
    x: Array,
    weight: Array,
    dx: Array | None,
    dweight: Array | None,
    dbias: Array | None,
    /,
    *window: int,
) -> None: ...
def max_pool2d(
    x: Array, y: Array, cells: Array | None, rows: int, columns: int, /, *window: int
) -> None: ...
def max_pool2d_backward(
    dy: Array, cells: Array, dx: Array, rows: int, columns: int, /, *window: int
) -> None: ...
def avg_pool2d(x: Array, y: Array, rows: int, columns: int, /, *window: int) -> None: ...
def avg_pool2d_backward(dy: Array, dx: Array, rows: int, columns: int, /, *window: int) -> None: ...
def dense(x: Array, weight: Array, bias: Array | None, y: Array, relu: bool, /) -> None: ...
def dense_backward(
    dy: Array,
    x: Array,
    weight: Array,
    dx: Array | None,
    dweight: Array | None,
    dbias: Array | None,
    /,
) -> None: ...
def moments(x: Array, mean: Array, squares: Array, /) -> None: ...
def batch_norm(
    x: Array,
    mean: Array,
    variance: Array,
    gamma: Array | None,
    beta: Array | None,
    inverse: Array,
    y: Array,
    epsilon: float,
    relu: bool,
    /,
) -> None: ...
def batch_norm_sums(
    dy: Array,
    x: Array,
    mean: Array,
    inverse: Array,
    gamma: Array | None,
    beta: Array | None,
    dgamma: Array,
    dbeta: Array,
    relu: bool,
    /,
) -> None:
    """With a ReLU, gamma and beta are those of the forward pass."""

def batch_norm_backward(
    dy: Array,
    x: Array,
    mean: Array,
    inverse: Array,
    gamma: Array | None,
    beta: Array | None,
    product_mean: Array | None,
    dy_mean: Array | None,
    dx: Array,
    relu: bool,
    /,
) -> None: ...
def layer_norm(
    channels: int,
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    mean: Array | None,
    inverse: Array,
    y: Array,
    epsilon: float,
    /,
) -> None:
    """Without a mean, rows are not centered."""

def layer_norm_backward(
    channels: int,
    dy: Array,
    x: Array,
    gamma: Array | None,
    mean: Array | None,
    inverse: Array,
    dx: Array | None,
    dgamma: Array | None,
    dbeta: Array | None,
    /,
) -> None: ...
def group_norm(
    groups: int,
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    mean: Array,
    inverse: Array,
    y: Array,
    epsilon: float,
    relu: bool,
    /,
) -> None:
    """Mean and inverse are (N, C): those of its group for each channel."""

def group_norm_backward(
    groups: int,
    dy: Array,
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    mean: Array,
    inverse: Array,
    dx: Array | None,
    dgamma: Array | None,
    dbeta: Array | None,
    sums: Array,
    products: Array,
    offset: Array,
    slope: Array,
    relu: bool,
    /,
) -> None:
    """The four arrays before ``relu`` are scratch memory, (N, C)."""

def attention(
    query: Array,
    key: Array,
    value: Array,
    mask: Array | None,
    uniform: Array | None,
    y: Array,
    top: Array,
    inverse: Array,
    causal: bool,
    scale: float,
    rate: float,
    /,
) -> None: ...
def attention_backward(
    dy: Array,
    query: Array,
    key: Array,
    value: Array,
    mask: Array | None,
    uniform: Array | None,
    y: Array,
    top: Array,
    inverse: Array,
    dquery: Array | None,
    dkey: Array | None,
    dvalue: Array | None,
    causal: bool,
    scale: float,
    rate: float,
    /,
) -> None: ...
def rotate(x: Array, cosines: Array, sines: Array, y: Array, /) -> None: ...
def softmax_cross_entropy(
    logits: Array, labels: Array, losses: Array, gradient: Array, label_smoothing: float, /
) -> None: ...
def simple_rnn(
    x: Array,
    weight: Array,
    recurrent_weight: Array,
    factors: Array | None,
    skipped: Array | None,
    reverse: bool,
    bias: Array | None,
    state: Array,
    y: Array,
    last_state: Array,
    before: Array | None,
    relu: bool,
    /,
) -> None: ...
def simple_rnn_backward(
    x: Array,
    weight: Array,
    recurrent_weight: Array,
    factors: Array | None,
    skipped: Array | None,
    reverse: bool,
    relu: bool,
    y: Array,
    state_rows: Array,
    dy: Array | None,
    dlast_state: Array | None,
    dgates: Array,
    dx: Array | None,
    dweight: Array | None,
    drecurrent_weight: Array | None,
    dbias: Array | None,
    dstate: Array,
    /,
) -> None: ...
def gru(
    x: Array,
    weight: Array,
    recurrent_weight: Array,
    factors: Array | None,
    skipped: Array | None,
    reverse: bool,
    reset_after: bool,
    bias: Array | None,
    state: Array,
    y: Array,
    last_state: Array,
    before: Array | None,
    gates: Array | None,
    inner: Array | None,
    /,
) -> None: ...
def gru_backward(
    x: Array,
    weight: Array,
    recurrent_weight: Array,
    factors: Array | None,
    skipped: Array | None,
    reverse: bool,
    reset_after: bool,
    before: Array,
    gates: Array,
    inner: Array,
    state_rows: Array,
    dy: Array | None,
    dlast_state: Array | None,
    dgates: Array,
    dx: Array | None,
    dweight: Array | None,
    drecurrent_weight: Array | None,
    dbias: Array | None,
    dstate: Array,
    /,
) -> None: ...
def lstm(
    x: Array,
    weight: Array,
    recurrent_weight: Array,
    factors: Array | None,
    skipped: Array | None,
    reverse: bool,
    bias: Array | None,
    state: Array,
    cell: Array,
    y: Array,
    last_state: Array,
    last_cell: Array,
    before: Array | None,
    gates: Array | None,
    cells: Array | None,
    /,
) -> None: ...
def lstm_backward(
    x: Array,
    weight: Array,
    recurrent_weight: Array,
    factors: Array | None,
    skipped: Array | None,
    reverse: bool,
    gates: Array,
    cells: Array,
    state_rows: Array,
    dy: Array | None,
    dlast_state: Array | None,
    dlast_cell: Array | None,
    dgates: Array,
    dx: Array | None,
    dweight: Array | None,
    drecurrent_weight: Array | None,
    dbias: Array | None,
    dstate: Array,
    dcell: Array,
    /,
) -> None: ...
def relu(x: Array, y: Array, /) -> None: ...
def relu_backward(dy: Array, y: Array, dx: Array, /) -> None: ...
def add(x: Array, term: Array, y: Array, /) -> None: ...
def multiply(x: Array, factor: Array, y: Array, /) -> None: ...
def divide(x: Array, y: Array, divisor: float, /) -> None: ...
def gelu(x: Array, y: Array, slope: Array | None, approximate: bool, /) -> None: ...
def dropout(x: Array, uniform: Array, y: Array, mask: Array, rate: float, /) -> None: ...
def use_threads(count: int, /) -> int:
    """Let calls from this thread use so many threads, itself included; the number before."""

def threads_in_use() -> int:
    """Return the number of threads that calls from this thread may use."""

def level() -> str:
    """The level of dispatch in use."""

def levels() -> list[str]:
    """The levels that this machine has, best first."""

def use_level(name: str) -> None:
    """Use another level, in every thread: for tests."""
