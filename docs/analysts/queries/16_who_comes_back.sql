-- Question: how many requests repeat an earlier one, and how many come after a service has ended?
-- Caveat: repeated within 180 days, and back within a year after an end; of ends before the first delivery nothing is known.
select
    cut_label as target,
    n_requests,
    n_persons,
    n_repeated,
    round(100.0 * n_repeated / n_requests, 1) as repeated_percent,
    n_returns,
    round(100.0 * n_returns / n_requests, 1) as returns_percent
from mart_pathway.answer
where
    territory_level = 'region'
    and cut_type = 'report_target'
    and year_number = (select max(year_number) from mart_pathway.answer)
order by n_requests desc, cut_code;
