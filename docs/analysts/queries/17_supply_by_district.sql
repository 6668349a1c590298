-- Question: how many persons of 75 and more does each service reach, per 1,000 residents of that age, by district?
-- Caveat: persons distinct in each cell, of the district where they lived on the first day; allowances of the district that pays.
select
    territory_code as district_code,
    territory_label as district_label,
    max(n_residents_75) as n_residents_75,
    max(persons_75_per_1000) filter (where service_code = 'FAR') as residential_and_day_care,
    max(persons_75_per_1000) filter (where service_code = 'ADI') as home_care,
    max(persons_75_per_1000) filter (where service_code = 'SMAC') as allowance
from mart_offer.offer_monthly
where
    period_type = 'year'
    and territory_level = 'district'
    and service_level = 'family'
    and territory_label is not null
    and year_number = (
        select max(year_number)
        from mart_offer.offer_monthly
        where
            service_code = 'FAR'
            and amount_eur > 0
    )
group by territory_code, territory_label
order by home_care desc nulls last, district_code;
