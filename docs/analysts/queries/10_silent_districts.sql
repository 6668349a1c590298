-- Which districts sent nothing, and when: ask them before reading their numbers.
select
    sender_label,
    count(*) as n_silent_months,
    min(month_on) as first_silent_on,
    max(month_on) as last_silent_on
from quality.dq_coverage
where coverage_status = 'silent'
group by sender_label
order by n_silent_months desc;
