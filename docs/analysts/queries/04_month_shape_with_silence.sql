-- Question: how do contacts run through the months, and is a low month a quiet one or one where senders are silent?
-- Caveat: compare contacts_per_sender, not n_contacts, when n_silent is not zero. Silent is missing, not zero.
with coverage as (
    select
        period_start_on as month_on,
        count(*) filter (where coverage_status = 'silent') as n_silent,
        string_agg(sender_code, ' ' order by sender_code) filter (where coverage_status = 'silent') as silent_senders
    from quality.dq_coverage
    where flow_code = 'IASS'
    group by period_start_on
)

select
    monthly.period_start_on as month_on,
    monthly.n_contacts,
    monthly.n_demands,
    monthly.n_deliveries_received as n_senders,
    coverage.n_silent,
    coverage.silent_senders,
    round(monthly.n_contacts::numeric / nullif(monthly.n_deliveries_received, 0), 1) as contacts_per_sender
from mart_demand.contact_monthly as monthly
left join coverage
    on monthly.period_start_on = coverage.month_on
where
    monthly.period_type = 'month'
    and monthly.territory_level = 'region'
order by month_on;
