-- Question: what does a day of residential care cost, and who pays it?
-- Caveat: observed months whose tariff is known, days of presence by the tariff in force; what lies before a sender's first delivery is known of those alone who were still there, and stands apart.
with day as (
    select
        service_code,
        sum(presence_days) as presence_days,
        sum(amount_eur) / sum(presence_days) as eur_per_day
    from mart_offer.service_month
    where
        service_family_code = 'FAR'
        and amount_eur > 0
    group by service_code
)

select
    service.service_label,
    count(*) as n_stays,
    round(max(day.presence_days)) as presence_days,
    round(max(day.eur_per_day), 2) as eur_per_day,
    round(100 * sum(stay.observed_health_amount_eur) / sum(stay.observed_amount_eur), 1) as health_percent,
    round(100 * sum(stay.observed_user_amount_eur) / sum(stay.observed_amount_eur), 1) as person_percent,
    round(100 * sum(stay.observed_municipal_amount_eur) / sum(stay.observed_amount_eur), 1) as comune_percent
from core.fct_residential_stay as stay
inner join core.dim_service as service
    on stay.service_key = service.service_key
inner join day
    on service.service_code = day.service_code
where stay.observed_amount_eur > 0
group by service.service_label
order by eur_per_day desc, service.service_label;
