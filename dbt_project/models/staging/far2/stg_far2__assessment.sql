-- One row per assessment of a live quarter of a stay.
select
    assessment.sender_code,
    assessment.assessment_number,
    assessment.assessed_on,
    assessment.assessment_type_code,
    assessment.mobility_level_code,
    assessment.functional_level_code,
    assessment.cognitive_level_code,
    assessment.behavioural_level_code,
    assessment.social_level_code,
    assessment.financial_level_code,
    assessment.delivery_id,
    assessment.record_number
from {{ ref('stg_far2__period') }} as record
inner join {{ source('raw', 'far2__assessment') }} as assessment
    on
        record.delivery_id = assessment.delivery_id
        and record.record_number = assessment.record_number
