-- Question: which types of demand have most requests without a sequel observed in the flows (region, newest year)?
-- Caveat: of requests whose sequel can be known, until the day of known_to; low and high are limits of 95 %. No league table of places.
select
    cut_code as demand_type_code,
    cut_label as demand_type,
    n_requests,
    n_sequel_known,
    known_to_on as known_to,
    n_known_service + n_known_charge + n_known_assessment as n_in_services,
    n_known_desk as n_answered_at_once,
    n_without_sequel,
    without_sequel_percent,
    without_sequel_percent_low as low,
    without_sequel_percent_high as high
from mart_pathway.answer
where
    territory_level = 'region'
    and cut_type = 'demand_type'
    and n_sequel_known > 0
    and year_number = (select max(year_number) from mart_pathway.answer)
order by without_sequel_percent desc, n_sequel_known desc, cut_code;
