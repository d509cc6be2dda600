"""One photograph at a time, and only those that are still wanted."""

import asyncio
import concurrent.futures


class SynthesisQueue:
    """Runs the requests of all pages in one thread, in order of arrival.

    Two photographs at a time would each take twice as long.
    """

    def __init__(self):
        self._pool = concurrent.futures.ThreadPoolExecutor(
            1, thread_name_prefix="synthesis"
        )

    async def run(self, function, is_wanted):
        """Runs a function in the thread, unless nobody waits for it any more.

        Args:
            function: function without arguments.
            is_wanted: function without arguments that returns a bool. It is
                called when the turn of the request has come, in that thread.

        Returns:
            The result of the function, or None if it is not wanted.
        """

        def run():
            return function() if is_wanted() else None

        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, run)

    def submit(self, function):
        """Runs a function in the thread when it is free; nobody waits for it.

        Args:
            function: function without arguments.
        """
        self._pool.submit(function)

    def close(self):
        """Drops all requests that wait, and waits for the current one."""
        self._pool.shutdown(cancel_futures=True)
