-- Referrals to other services (outcome 6) by report target.
select
    report_target_label,
    destination_service_label,
    sum(n_outcomes) as n_referrals
from mart_outcome.outcome
where
    outcome_type_code = '6'
    and year_number = 2013
group by report_target_label, destination_service_label
order by report_target_label, n_referrals desc;
