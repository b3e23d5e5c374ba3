"""Progress bars, and tasks that show one."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

if TYPE_CHECKING:
    from tqdm import tqdm

Result = TypeVar("Result")


def progress_bar(
    iterable: Iterable | None = None, *, verbose: bool, **options: Any
) -> "tqdm":
    """Progress bar on stderr if that is a terminal, and in notebooks.

    In a terminal it is never wider than that. In a notebook it is tqdm's widget, which
    needs ipywidgets.

    Args:
        iterable: what to iterate over
        verbose: whether to show it
        **options: further arguments of tqdm

    """
    if not verbose:
        from tqdm import tqdm
    else:
        # Warns in a notebook without ipywidgets
        from tqdm.auto import tqdm
    # None is for terminals only
    disable = None if verbose else True
    return tqdm(iterable, disable=disable, dynamic_ncols=True, **options)


def run_tasks(
    tasks: Sequence[Callable[[], Result]],
    desc: str,
    *,
    num_workers: int | None = 1,
    multiprocessing: bool = False,
    verbose: bool = False,
) -> list[Result]:
    """Run tasks, and return their results in order.

    After an exception, or Ctrl-C, tasks that haven't begun are dropped.

    Args:
        tasks: functions without arguments
        desc: description of the progress bar
        num_workers: number of threads or processes, ``None`` for the default of
            :mod:`concurrent.futures`
        multiprocessing: use processes instead of threads
        verbose: show a progress bar

    Examples:
        >>> run_tasks([list, dict], "Create", num_workers=2)
        [[], {}]

    """
    options: dict[str, Any] = {"desc": desc, "total": len(tasks), "verbose": verbose}
    if num_workers == 1 or len(tasks) == 1:
        return [task() for task in progress_bar(tasks, **options)]
    pool: ThreadPoolExecutor | ProcessPoolExecutor
    kind = ProcessPoolExecutor if multiprocessing else ThreadPoolExecutor
    with kind(num_workers) as pool:
        try:
            futures = [pool.submit(task) for task in tasks]
            return [future.result() for future in progress_bar(futures, **options)]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
