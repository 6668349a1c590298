-- Question: of the requests of a year, how many reach a service within 28, 90 and 180 days, by category of demand?
-- Caveat: by the Kaplan-Meier estimate, which uses requests whose window is not over, and says nothing of a window that nobody was followed to the end of; low and high are its 95 % band.
select
    cut_label as category,
    max(n_requests) as n_requests,
    max(estimated_percent) filter (where window_days = 28) as percent_28,
    max(estimated_percent) filter (where window_days = 90) as percent_90,
    max(estimated_percent) filter (where window_days = 180) as percent_180,
    max(estimated_percent_low) filter (where window_days = 180) as low_180,
    max(estimated_percent_high) filter (where window_days = 180) as high_180
from mart_pathway.conversion
where
    territory_level = 'region'
    and cut_type = 'demand_level1'
    and milestone_code = 'service'
    and year_number = (select max(year_number) from mart_pathway.conversion)
group by cut_code, cut_label
order by percent_180 desc nulls last, cut_code;
