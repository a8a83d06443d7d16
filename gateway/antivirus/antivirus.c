/* antivirus: the program; what it does stands in gateway/antivirus/role.h. */
#include "gateway/antivirus/role.h"

int main(int argc, char **argv)
{
    return role_main(argc, argv, &antivirus_role);
}
